using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class MemoryStatsOrderTests
{
    // The process behind the fake is no QEMU, so rss is missing at the end.
    private static readonly MemoryStatTag[] LibvirtsOrder =
    [
        MemoryStatTag.ActualBalloon, MemoryStatTag.SwapIn, MemoryStatTag.SwapOut, MemoryStatTag.MajorFault,
        MemoryStatTag.MinorFault, MemoryStatTag.Unused, MemoryStatTag.Available, MemoryStatTag.Usable,
        MemoryStatTag.LastUpdate, MemoryStatTag.DiskCaches, MemoryStatTag.HugetlbPgAlloc, MemoryStatTag.HugetlbPgFail,
    ];

    [Fact]
    public async Task A_healthy_guest_is_reported_in_libvirts_order()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStat[] stats = await session.StatsAsync();

        Assert.Equal(LibvirtsOrder, stats.Select(stat => stat.Tag));
        Assert.Equal(
            [2048 * 1024, 1024, 2048, 3, 4, 5120, 61440, 7168, 1_700_000_000, 8192, 9, 10],
            stats.Select(stat => stat.Value));
    }

    [Fact]
    public async Task The_order_of_the_monitors_members_does_not_matter()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        foreach ((string name, ulong value) in FakeGuest.Sixteen.Take(10).Reverse())
            fake.Guest.Stats[name] = $"{value}";

        Assert.Equal(LibvirtsOrder, (await session.StatsAsync()).Select(stat => stat.Tag));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(1024)]
    public async Task A_buffer_gets_the_prefix_that_fits(int room)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(LibvirtsOrder.Take(room), (await session.StatsAsync(room)).Select(stat => stat.Tag));
    }

    [Fact]
    public async Task An_empty_buffer_asks_nobody()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int before = fake.Commands.Count;

        Assert.Empty(await session.StatsAsync(room: 0));

        Assert.Equal(before, fake.Commands.Count);
    }

    [Fact]
    public async Task What_lies_behind_the_count_is_not_touched()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        MemoryStat sentinel = new((MemoryStatTag)4711, 4711);
        MemoryStat[] buffer = [.. Enumerable.Repeat(sentinel, 16)];

        int count = await session.Domain.FillMemoryStatsAsync(buffer, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(2, count);
        Assert.All(buffer[count..], stat => Assert.Equal(sentinel, stat));
    }

    [Fact]
    public async Task A_guest_without_a_driver_has_actual_and_a_last_update_of_zero()
    {
        await using FakeQmp fake = FakeQmp.Start();
        foreach ((string name, _) in FakeGuest.Sixteen.Take(10))
            fake.Guest.Stats[name] = "18446744073709551615";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(
            [new(MemoryStatTag.ActualBalloon, 2048 * 1024), new(MemoryStatTag.LastUpdate, 0)],
            await session.StatsAsync());
    }

    [Fact]
    public async Task The_six_newer_statistics_come_last_and_only_to_who_opted_in()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(count: 16);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(LibvirtsOrder, (await session.StatsAsync()).Select(stat => stat.Tag));
        MemoryStat[] extended = await session.StatsAsync(options: MemoryStatsOptions.Extended);

        Assert.Equal(LibvirtsOrder, extended.Take(12).Select(stat => stat.Tag));
        Assert.Equal(
            [
                new(MemoryStatTag.OomKills, 11), new(MemoryStatTag.AllocStalls, 12), new(MemoryStatTag.AsyncScans, 13 * 1024),
                new(MemoryStatTag.DirectScans, 14 * 1024), new(MemoryStatTag.AsyncReclaims, 15 * 1024),
                new(MemoryStatTag.DirectReclaims, 16 * 1024),
            ],
            extended.Skip(12));
        Assert.Equal(0x4200000A, (int)extended[12].Tag);
    }

    [Fact]
    public async Task Names_unknown_to_us_are_passed_over()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        fake.Guest.Stats["stat-dreams"] = "5";
        fake.Guest.Stats["free-memory"] = "6";
        fake.Guest.Stats["stat-"] = "7";
        fake.Guest.Stats["stat-nested"] = """{"stat-swap-in": [9, {"a": null}]}""";
        fake.Guest.Stats["\\u0073tat-swap-in"] = "8";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStat[] stats = await session.StatsAsync(options: MemoryStatsOptions.Extended);

        Assert.Equal(LibvirtsOrder, stats.Select(stat => stat.Tag));
        Assert.Equal(1024ul, stats[1].Value);
    }

    [Fact]
    public async Task Sizes_are_cut_down_to_whole_KiB()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.ActualBytes = 2047;
        fake.Guest.Stats["stat-free-memory"] = "1023";
        fake.Guest.Stats["stat-major-faults"] = "1023";
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(
            [
                new(MemoryStatTag.ActualBalloon, 1), new(MemoryStatTag.MajorFault, 1023),
                new(MemoryStatTag.Unused, 0), new(MemoryStatTag.LastUpdate, 0),
            ],
            await session.StatsAsync());
    }
}
