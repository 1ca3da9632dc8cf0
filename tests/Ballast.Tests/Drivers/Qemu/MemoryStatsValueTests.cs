using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class MemoryStatsValueTests
{
    [Theory]
    [InlineData("-1")]
    [InlineData("18446744073709551615")]
    public async Task A_value_that_was_not_reported_is_absent_and_not_rejected(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        fake.Guest.Stats["stat-free-memory"] = json;
        fake.Guest.Stats["stat-minor-faults"] = json;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Null(sample.UnusedKiB);
        Assert.Null(sample.MinorFaults);
        Assert.NotEqual(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.Unused));
        Assert.Equal(10, sample.Entries.Count);
    }

    [Theory]
    [InlineData("9223372036854775808")] // 2^63
    [InlineData("18446744073709547520")] // 0xFFFFFFFFFFFFF000, a Windows driver's −1 pages
    [InlineData("18446744073709551614")]
    [InlineData("-2")]
    [InlineData("-0")]
    [InlineData("1.5")]
    [InlineData("1e3")]
    [InlineData("\"5\"")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("[1, 2]")]
    [InlineData("""{"value": 1}""")]
    [InlineData("18446744073709551616")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890")]
    public async Task A_size_that_cannot_be_is_dropped_and_said_to_be_rejected(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        fake.Guest.Stats["stat-free-memory"] = json;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Null(sample.UnusedKiB);
        Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.Unused));
        Assert.Equal(11, sample.Entries.Count);
        Assert.DoesNotContain(await session.StatsAsync(), stat => stat.Tag == MemoryStatTag.Unused);
    }

    [Fact]
    public async Task The_largest_size_that_can_be_is_delivered()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Stats["stat-free-memory"] = "9223372036854775807";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(ulong.MaxValue / 2 / 1024, (await session.SampleAsync()).UnusedKiB);
    }

    [Fact]
    public async Task A_count_may_be_any_number_but_the_last()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Stats["stat-minor-faults"] = "18446744073709551614";
        fake.Guest.Stats["stat-major-faults"] = "9223372036854775808";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(ulong.MaxValue - 1, sample.MinorFaults);
        Assert.Equal(1ul << 63, sample.MajorFaults);
    }

    [Fact]
    public async Task Without_last_update_the_values_are_delivered_without_an_age()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting().LastUpdate = null;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(11, sample.Entries.Count);
        Assert.Null(sample[MemoryStatTag.LastUpdate]);
        Assert.Null(sample.Age);
    }

    [Theory]
    [InlineData("18446744073709551615")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"now\"")]
    public async Task An_impossible_last_update_is_left_out(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting().LastUpdate = json;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.DoesNotContain(await session.StatsAsync(), stat => stat.Tag == MemoryStatTag.LastUpdate);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("\"now\"")]
    [InlineData("-5")]
    public async Task A_report_whose_time_is_none_is_rejected_and_not_said_to_be_missing(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting().LastUpdate = json;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.LastUpdate));
        Assert.Equal((MemoryStatsReason.RejectedValue, Freshness.Stale), (sample.Reason, sample.Freshness));
        Assert.Null(sample.Age);
        Assert.Equal(60ul * 1024, sample.AvailableKiB);
    }

    [Fact]
    public async Task A_last_update_beyond_all_calendars_is_delivered_without_an_age()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting().LastUpdate = "18446744073709551614";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(ulong.MaxValue - 1, sample[MemoryStatTag.LastUpdate]);
        Assert.Null(sample.Age);
    }

    // As libvirt: without the object of statistics, not even last-update counts.
    [Theory]
    [InlineData("""{"last-update": 5}""")]
    [InlineData("""{"stats": null, "last-update": 5}""")]
    [InlineData("""{"stats": [1], "last-update": 5}""")]
    public async Task Without_statistics_there_is_only_the_balloons_size(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("guest-stats", FakeQmp.Return(json));

        Assert.Equal([new(MemoryStatTag.ActualBalloon, 2048 * 1024)], await session.StatsAsync());
        Assert.Single((await session.SampleAsync()).Entries);
    }

    [Theory]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551615")]
    [InlineData("-17591917604864")]
    public async Task An_impossible_size_of_the_balloon_is_rejected(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-balloon", FakeQmp.Return($$"""{"actual": {{json}}}"""));

        MemoryStats sample = await session.SampleAsync();

        Assert.Null(sample.ActualKiB);
        Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.ActualBalloon));
        Assert.Equal([new(MemoryStatTag.LastUpdate, 0)], await session.StatsAsync());

        // libvirt's call has to say something: the most that it can be.
        Assert.Equal(4096ul * 1024, (await session.Domain.GetInfoAsync(TestContext.Current.CancellationToken)).MemoryKiB);
    }
}
