using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What a guest reported before something happened: shown with its age, and never called fresh.</summary>
public sealed class LastReportTests
{
    private const long Start = 1_700_000_000;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(Start));

    public enum Trouble
    {
        Hung,
        Removed,
    }

    [Theory]
    [InlineData(Trouble.Hung, MemoryStatsReason.MonitorHung)]
    [InlineData(Trouble.Removed, MemoryStatsReason.SocketNotFound)]
    public async Task Who_cannot_be_asked_any_more_keeps_its_last_numbers_with_their_age(Trouble trouble, MemoryStatsReason reason)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, TimeSpan.FromSeconds(2));
        MemoryStats before = await session.SampleAsync();
        _time.Advance(TimeSpan.FromMinutes(10));

        MemoryStats after;
        if (trouble == Trouble.Hung)
        {
            fake.Hold("guest-stats");
            Task<MemoryStats> call = session.SampleAsync();
            await fake.ReceivedAsync("guest-stats", 2);
            _time.Advance(TimeSpan.FromSeconds(2));
            after = await call.In();
        }
        else
        {
            fake.StopListening();
            await session.LoseAsync(fake);
            after = await session.SampleAsync();
        }

        Assert.Equal(reason, after.Reason);
        Assert.Equal(before.Entries, after.Entries);
        Assert.Equal((before.Period, before.Used, Freshness.Stale), (after.Period, after.Used, after.Freshness));
        Assert.InRange(after.Age!.Value, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11));
        Assert.NotNull(after.Detail);
    }

    [Fact]
    public async Task A_reset_marks_the_report_from_before_it_at_once_and_until_the_next()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.Interval = 60;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);

        await fake.SendAsync(FakeQmp.Event("RESET", """{"guest": true, "reason": "guest-reset"}"""));
        await session.SettleAsync(fake);
        MemoryStats old = await session.SampleAsync();

        Assert.Equal((MemoryStatsReason.NeverReported, Freshness.Stale), (old.Reason, old.Freshness));
        Assert.NotNull(old.AvailableKiB);

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(MemoryStatsReason.NeverReported, (await session.SampleAsync()).Reason);
        fake.Guest.Report(Start + 5, 1 << 20);
        fake.Guest.Stats["stat-minor-faults"] = "0";
        MemoryStats anew = await session.SampleAsync();
        Assert.Equal((MemoryStatsReason.Fresh, MemoryStatsInconsistency.None), (anew.Reason, anew.Inconsistencies));
    }

    // Seen before or not, and by a QEMU that can tell of the driver or not: no guest boots and reports within that second.
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_report_of_the_second_of_the_reset_is_from_before_it(bool isSampledBefore, bool tellsOfDriver)
    {
        await using FakeQmp fake = FakeQmp.Start();
        if (!tellsOfDriver)
            fake.On("x-query-virtio-status", FakeQmp.Error("CommandNotFound", "The command x-query-virtio-status has not been found"));
        fake.Guest.Reporting(lastUpdate: Start - 5);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        if (isSampledBefore)
            Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);

        // Nobody looked at this one before the guest was reset.
        fake.Guest.Report(Start, 1 << 20);
        await fake.SendAsync(FakeQmp.Event("RESET", "{}"));
        await session.SettleAsync(fake);
        MemoryStats old = await session.SampleAsync();
        Assert.Equal((MemoryStatsReason.NeverReported, Freshness.Stale), (old.Reason, old.Freshness));
        Assert.Equal(MemoryStatsReason.NeverReported, (await session.SampleAsync()).Reason);

        // The first of the guest that booted: its counters begin anew.
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 5, 2 << 20);
        fake.Guest.Stats["stat-minor-faults"] = "0";
        MemoryStats first = await session.SampleAsync();
        Assert.Equal((MemoryStatsReason.Fresh, MemoryStatsInconsistency.None), (first.Reason, first.Inconsistencies));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_after_a_reset_does_not_hide_the_new_reports()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        _ = await session.SampleAsync();
        _time.Advance(TimeSpan.FromSeconds(100));
        await fake.SendAsync(FakeQmp.Event("RESET", "{}"));
        await session.SettleAsync(fake);
        Assert.Equal(MemoryStatsReason.NeverReported, (await session.SampleAsync()).Reason);

        // The host's clock was set back for QEMU; the test's stands.
        fake.Guest.Report(Start + 99, 1 << 20);

        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_guest_that_was_reset_before_we_came_and_has_no_driver_yet_is_not_fresh()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.IsDriverBound = false;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(MemoryStatsReason.DriverNotLoaded, sample.Reason);
        Assert.NotNull(sample.AvailableKiB);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    public async Task A_guest_that_was_reset_a_moment_ago_may_still_boot(int age)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start - age);
        fake.Guest.Interval = 300;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);

        await fake.SendAsync(FakeQmp.Event("RESET", "{}"));
        await session.SettleAsync(fake);
        fake.Guest.IsDriverBound = false;
        foreach (int wait in (int[])[0, 5, 54])
        {
            _time.Advance(TimeSpan.FromSeconds(wait));
            MemoryStats sample = await session.SampleAsync();
            Assert.Equal((MemoryStatsReason.NeverReported, Freshness.Stale), (sample.Reason, sample.Freshness));
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_driver_that_is_unloaded_without_a_reset_is_not_loaded_at_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        Assert.Equal(MemoryStatsReason.Fresh, (await session.SampleAsync()).Reason);

        // The driver is asked for where the numbers grow old.
        fake.Guest.IsDriverBound = false;
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_report_that_stays_the_same_grows_old_though_the_clock_is_set_back()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.Interval = 2;
        WallClock clock = new(_time);
        await using FakeSession session = await FakeSession.AtAsync(fake, clock);
        _ = await session.SampleAsync();
        _time.Advance(TimeSpan.FromHours(1));
        clock.SetBackBy = TimeSpan.FromHours(1);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal((MemoryStatsReason.Stale, TimeSpan.FromHours(1)), (sample.Reason, sample.Age));
    }

    /// <summary>A clock that can be set, beside timers that go on.</summary>
    private sealed class WallClock(FakeTimeProvider time) : TimeProvider
    {
        public TimeSpan SetBackBy { get; set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() - SetBackBy;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            time.CreateTimer(callback, state, dueTime, period);
    }

    [Fact]
    public async Task What_was_reported_belongs_to_the_balloon_of_then()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.Interval = 30;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        const ulong gib = 1 << 20;
        Assert.Equal((2 * gib, 2 * gib, false), await LookAsync());

        // It moved after the report: for as long as that is the last one.
        fake.Guest.ActualBytes = 3ul << 30;
        for (int i = 0; i < 2; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal((3 * gib, 2 * gib, true), await LookAsync());
        }

        fake.Guest.Report(Start + 10, 5 << 20);
        Assert.Equal((3 * gib, 3 * gib, false), await LookAsync());

        // It moved and the guest reported: nobody knows which was first, until the next report.
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.ActualBytes = 1ul << 30;
        fake.Guest.Report(Start + 15, 6 << 20);
        Assert.Equal((gib, null, true), await LookAsync());
        Assert.Equal((gib, null, true), await LookAsync());
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 20, 6 << 20);
        Assert.Equal((gib, gib, false), await LookAsync());

        // The longer nobody looked, the less anybody knows; one report more tells again.
        _time.Advance(TimeSpan.FromMinutes(10));
        fake.Guest.ActualBytes = 2ul << 30;
        fake.Guest.Report(Start + 615, 6 << 20);
        Assert.Equal((2 * gib, null, true), await LookAsync());
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 620, 6 << 20);
        Assert.Equal((2 * gib, 2 * gib, false), await LookAsync());

        async Task<(ulong?, ulong?, bool)> LookAsync()
        {
            MemoryStats stats = await session.SampleAsync();
            return (stats.ActualKiB, stats.ActualAtReportKiB, stats.HasBalloonMoved);
        }
    }

    [Fact]
    public async Task An_event_tells_what_was_reported_before_the_balloon_moved()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.Interval = 30;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        await MoveAsync(1);

        // Nobody looked before: this one is of another size, as is one of the same second.
        Assert.Null((await session.SampleAsync()).ActualAtReportKiB);
        fake.Guest.Report(Start + 10, 5 << 20);
        Assert.True((await session.SampleAsync()).HasBalloonMoved);
        fake.Guest.Report(Start + 11, 5 << 20);
        Assert.Equal((1ul << 20, false), await LookAsync());

        // It moved and reported between two looks, in this order.
        await MoveAsync(3);
        _time.Advance(TimeSpan.FromSeconds(2));
        fake.Guest.Report(Start + 22, 5 << 20);
        Assert.Equal((3ul << 20, false), await LookAsync());

        async Task MoveAsync(ulong gib)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            fake.Guest.ActualBytes = gib << 30;
            await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", $$"""{"actual": {{gib << 30}}}"""));
            await Waiting.UntilAsync("BALLOON_CHANGE", () => session.Monitor.ActualBytes == gib << 30);
        }

        async Task<(ulong?, bool)> LookAsync()
        {
            MemoryStats stats = await session.SampleAsync();
            return (stats.ActualAtReportKiB, stats.HasBalloonMoved);
        }
    }
}
