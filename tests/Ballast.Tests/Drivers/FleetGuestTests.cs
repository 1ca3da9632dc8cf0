using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>What simulated guests do as time goes by; a controlled clock makes it go.</summary>
public sealed class FleetGuestTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Noon);

    [Theory]
    [InlineData(1, MemoryStatsReason.Fresh)]
    [InlineData(2, MemoryStatsReason.Fresh)]
    [InlineData(3, MemoryStatsReason.Fresh)]
    [InlineData(4, MemoryStatsReason.Fresh)]
    [InlineData(5, MemoryStatsReason.Fresh)]
    [InlineData(6, MemoryStatsReason.Paused)]
    [InlineData(7, MemoryStatsReason.DriverNotLoaded)]
    [InlineData(8, MemoryStatsReason.PollingOff)]
    [InlineData(9, MemoryStatsReason.Inconsistent)]
    [InlineData(10, MemoryStatsReason.Stale)]
    [InlineData(15, MemoryStatsReason.DriverWithoutService)]
    [InlineData(18, MemoryStatsReason.NeverReported)]
    [InlineData(19, MemoryStatsReason.RejectedValue)]
    public async Task Each_kind_has_its_reason_at_all_times(int id, MemoryStatsReason reason)
    {
        await using Connection connection = await OpenAsync();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(reason, (await SampleAsync(connection, id)).Reason);
            _time.Advance(TimeSpan.FromSeconds(0.7 + (i * i)));
        }
    }

    [Fact]
    public async Task Caches_fill_the_memory_and_start_anew()
    {
        IReadOnlyList<MemoryStats> samples = await WatchAsync(2, every: 60, count: 120);
        Range caches = Range.Of(samples, sample => sample.DiskCachesKiB), used = Range.Of(samples, sample => sample.Used!.Value.KiB);
        Assert.True(caches.Highest > 5 * caches.Lowest, $"{caches}");
        Assert.True(caches.Falls >= 1 && caches.Rises > 2 * caches.Falls, $"{caches}");
        Assert.True(used.Highest < used.Lowest * 2, $"{used}");
    }

    [Fact]
    public async Task Growth_takes_hours_and_starts_anew()
    {
        Range used = Range.Of(await WatchAsync(3, every: 600, count: 144), sample => sample.Used!.Value.KiB / 1024);
        Assert.True(used.Highest > 2 * used.Lowest, $"{used}");
        Assert.True(used.Rises > used.Falls, $"{used}");
    }

    [Fact]
    public async Task Spikes_are_short_and_high()
    {
        IReadOnlyList<MemoryStats> samples = await WatchAsync(4, every: 2, count: 300);
        Range used = Range.Of(samples, sample => sample.Used!.Value.KiB);
        Assert.True(used.Highest > 2 * used.Lowest, $"{used}");
        int high = samples.Count(sample => sample.Used!.Value.KiB > (used.Highest + used.Lowest) / 2);
        Assert.InRange(high, 10, 100);
    }

    [Fact]
    public async Task A_guest_that_swaps_shows_it_in_its_counters_and_an_idle_one_does_not()
    {
        IReadOnlyList<MemoryStats> swapping = await WatchAsync(5, every: 2, count: 60), idle = await WatchAsync(1, every: 2, count: 60);
        foreach (Func<MemoryStats, ulong?> counter in (Func<MemoryStats, ulong?>[])[s => s.SwapInKiB, s => s.SwapOutKiB, s => s.MajorFaults])
            Assert.Equal((59, 0), (Range.Of(swapping, counter).Rises, Range.Of(swapping, counter).Falls));
        Assert.All(idle, sample => Assert.Equal((0ul, 0ul), (sample.SwapInKiB, sample.SwapOutKiB)));
        Assert.All(swapping, sample => Assert.True(sample.UnusedKiB < sample.AvailableKiB / 10));
        Assert.True(Range.Of(swapping, sample => sample.UnusedKiB).Rises > 5);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(10)]
    public async Task A_guest_that_stopped_says_the_same_for_ever(int id)
    {
        IReadOnlyList<MemoryStats> samples = await WatchAsync(id, every: 977, count: 20);
        Assert.Single(samples.Select(sample => string.Join(' ', sample.Entries)).Distinct());
        Assert.True(samples[0].Age > TimeSpan.FromHours(6));
        Assert.Equal(Freshness.Stale, samples[0].Freshness);
    }

    [Theory]
    [InlineData(7, "actual last_update rss")]
    [InlineData(18, "actual last_update rss")]
    [InlineData(15, "actual last_update rss")]
    [InlineData(19, "actual last_update rss")]
    public async Task Guests_that_say_nothing_have_what_the_host_knows(int id, string tags)
    {
        await using Connection connection = await OpenAsync();
        MemoryStats sample = await SampleAsync(connection, id);
        Assert.Equal(tags, string.Join(' ', sample.Entries.Select(entry => entry.Tag.Label())));
        Assert.Equal(sample.Reason, sample.WhyMissing(MemoryStatTag.Available));
    }

    [Fact]
    public async Task Lies_are_dropped_or_flagged()
    {
        await using Connection connection = await OpenAsync();
        MemoryStats sample = await SampleAsync(connection, 9);
        Assert.Equal(
            MemoryStatsInconsistency.AvailableAboveMaximum | MemoryStatsInconsistency.UsableAboveAvailable | MemoryStatsInconsistency.CounterWentBackwards,
            sample.Inconsistencies);
        foreach (MemoryStatTag tag in (MemoryStatTag[])[MemoryStatTag.SwapIn, MemoryStatTag.Unused, MemoryStatTag.DiskCaches])
            Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(tag));
        Assert.Null(sample.Used);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True((await SampleAsync(connection, 9)).MinorFaults < sample.MinorFaults);
    }

    [Fact]
    public async Task Reports_come_once_in_a_period()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByIdAsync(1, Token);
        await domain.SetPeriodAsync(10, cancellationToken: Token);
        List<ulong> updates = [];
        for (int i = 0; i < 60; i++)
        {
            updates.Add((await SampleAsync(connection, 1))[MemoryStatTag.LastUpdate]!.Value);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        ulong set = (ulong)Noon.ToUnixTimeSeconds();
        Assert.InRange(updates[0], set - 2, set);
        Assert.Equal([updates[0], set + 10, set + 20, set + 30, set + 40, set + 50], updates.Distinct());
        Assert.All(updates.Index(), update => Assert.True(update.Item <= set + (ulong)update.Index));
    }

    [Fact]
    public async Task Polling_turned_on_is_answered_at_once_and_turned_off_keeps_what_was_said()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("no-polling-00008", Token);
        Assert.Equal(0, await domain.GetPeriodAsync(Token));
        MemoryStats before = await SampleAsync(connection, 8);
        Assert.NotNull(before.UsableKiB);
        await domain.SetPeriodAsync(5, cancellationToken: Token);
        MemoryStats after = await SampleAsync(connection, 8);
        Assert.Equal((MemoryStatsReason.Fresh, Noon, TimeSpan.FromSeconds(5)), (after.Reason, after.LastUpdate, after.Period));

        _time.Advance(TimeSpan.FromSeconds(7));
        await domain.SetPeriodAsync(0, cancellationToken: Token);
        _time.Advance(TimeSpan.FromHours(2));
        MemoryStats later = await SampleAsync(connection, 8);
        Assert.Equal((MemoryStatsReason.PollingOff, Noon + TimeSpan.FromSeconds(5)), (later.Reason, later.LastUpdate));
    }

    [Fact]
    public async Task The_balloon_moves_to_its_target_over_some_seconds_and_the_guest_sees_it()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByIdAsync(4, Token);
        ulong maximum = await domain.GetMaxMemoryAsync(Token), from = (await domain.GetInfoAsync(Token)).MemoryKiB;
        MemoryStats before = await SampleAsync(connection, 4);
        await domain.SetMemoryAsync(maximum / 2, cancellationToken: Token);
        Assert.Equal(before.Entries, (await SampleAsync(connection, 4)).Entries);
        List<ulong> sizes = [from];
        for (int i = 0; i < 60; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            sizes.Add((await domain.GetInfoAsync(Token)).MemoryKiB);
        }

        Assert.Equal(sizes.OrderDescending(), sizes);
        Assert.True(sizes.Distinct().Count() is > 4 and < 50);
        Assert.Equal(maximum / 2, sizes[^1]);
        MemoryStats after = await SampleAsync(connection, 4);
        Assert.Equal(maximum / 2, after.ActualKiB);
        Assert.Equal(from - (maximum / 2), before.AvailableKiB - after.AvailableKiB);

        await domain.SetMemoryAsync(maximum, cancellationToken: Token);
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(maximum, (await SampleAsync(connection, 4)).ActualKiB);
    }

    [Theory]
    [InlineData("no-driver-00007")]
    [InlineData("paused-00006")]
    [InlineData("stale-00010")]
    public async Task The_balloon_of_a_guest_that_does_nothing_stays(string name)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync(name, Token);
        ulong before = (await domain.GetInfoAsync(Token)).MemoryKiB;
        await domain.SetMemoryAsync(before / 2, cancellationToken: Token);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(before, (await domain.GetInfoAsync(Token)).MemoryKiB);
    }

    [Fact]
    public async Task A_report_of_the_past_is_not_changed_by_what_is_set_later()
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByIdAsync(2, Token);
        await domain.SetPeriodAsync(600, cancellationToken: Token);
        _time.Advance(TimeSpan.FromSeconds(601));
        MemoryStats report = await SampleAsync(connection, 2);
        for (int i = 1; i <= 5; i++)
        {
            await domain.SetMemoryAsync(report.ActualKiB!.Value / 8 * (ulong)(8 - i), cancellationToken: Token);
            _time.Advance(TimeSpan.FromSeconds(3));
            MemoryStats now = await SampleAsync(connection, 2);
            Assert.Equal((report.LastUpdate, report.AvailableKiB, report.UnusedKiB), (now.LastUpdate, now.AvailableKiB, now.UnusedKiB));
            Assert.True(now.ActualKiB < report.ActualKiB);
        }

        _time.Advance(TimeSpan.FromSeconds(600));
        MemoryStats next = await SampleAsync(connection, 2);
        Assert.Equal(report.LastUpdate + TimeSpan.FromSeconds(600), next.LastUpdate);
        Assert.True(next.AvailableKiB < report.AvailableKiB);
    }

    [Fact]
    public async Task Some_guests_have_old_kernels_and_some_report_memory_pressure_to_those_who_ask()
    {
        await using Connection connection = await OpenAsync(200);
        int pressure = 0, noUsable = 0, noCaches = 0;
        for (int id = 1; id <= 200; id += 20)
        {
            for (int worker = 0; worker < 5; worker++)
            {
                Domain domain = await connection.LookupByIdAsync(id + worker, Token);
                MemoryStats all = await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended, Token), usual = await domain.GetMemoryStatsAsync(MemoryStatsOptions.None, Token);
                Assert.Equal(usual.Entries, all.Entries.Take(usual.Entries.Count));
                Assert.Null(usual.OomKills);
                pressure += all.Entries.Count == usual.Entries.Count + 6 ? 1 : 0;
                noUsable += usual.UsableKiB is null ? 1 : 0;
                noCaches += usual.DiskCachesKiB is null ? 1 : 0;
            }
        }

        Assert.InRange(pressure, 5, 35);
        Assert.InRange(noUsable, 1, 12);
        Assert.InRange(noCaches, noUsable + 1, 25);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ValueTask<Connection> OpenAsync(int domains = 20) =>
        Connection.OpenAsync($"test:///fleet?domains={domains}&seed=4", new ConnectionOptions { TimeProvider = _time }, Token);

    private static async Task<MemoryStats> SampleAsync(Connection connection, int id) =>
        await (await connection.LookupByIdAsync(id, Token)).GetMemoryStatsAsync(cancellationToken: Token);

    private async Task<IReadOnlyList<MemoryStats>> WatchAsync(int id, int every, int count)
    {
        await using Connection connection = await OpenAsync();
        List<MemoryStats> samples = [];
        for (int i = 0; i < count; i++)
        {
            samples.Add(await SampleAsync(connection, id));
            _time.Advance(TimeSpan.FromSeconds(every));
        }

        return samples;
    }

    private sealed record Range(ulong Lowest, ulong Highest, int Rises, int Falls)
    {
        public static Range Of(IReadOnlyList<MemoryStats> samples, Func<MemoryStats, ulong?> select)
        {
            ulong[] values = [.. samples.Select(sample => select(sample)!.Value)];
            (ulong First, ulong Second)[] steps = [.. values.Zip(values.Skip(1))];
            return new(values.Min(), values.Max(), steps.Count(step => step.Second > step.First), steps.Count(step => step.Second < step.First));
        }
    }
}
