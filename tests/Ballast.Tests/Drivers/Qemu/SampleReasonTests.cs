using System.Globalization;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A sample says why it is as it is.</summary>
public sealed class SampleReasonTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000));

    [Theory]
    [InlineData(0, MemoryStatsReason.Fresh, Freshness.Fresh)]
    [InlineData(11, MemoryStatsReason.Fresh, Freshness.Fresh)]
    [InlineData(12, MemoryStatsReason.Stale, Freshness.Stale)]
    [InlineData(-1, MemoryStatsReason.Fresh, Freshness.Fresh)]
    public async Task A_report_is_fresh_for_two_periods_and_a_second(int age, MemoryStatsReason reason, Freshness freshness)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: _time.GetUtcNow().ToUnixTimeSeconds() - age);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal((reason, freshness), (sample.Reason, sample.Freshness));
        Assert.Equal(TimeSpan.FromSeconds(Math.Max(age, 0)), sample.Age);
        Assert.Equal(TimeSpan.FromSeconds(5), sample.Period);
        Assert.Null(sample.Detail);
        Assert.Equal(new UsedMemory((60 - 7) * 1024, UsedMemoryFormula.AvailableMinusUsable), sample.Used);
        Assert.Equal(MemoryStatsReason.ProcessNotFound, sample.WhyMissing(MemoryStatTag.Rss));
    }

    [Fact]
    public async Task A_paused_guest_is_paused_whatever_else_it_is()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Status = "paused";
        fake.Guest.Interval = 0;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsReason.Paused, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task Polling_that_is_off_is_said()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting().Interval = 0;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(MemoryStatsReason.PollingOff, sample.Reason);
        Assert.Equal(TimeSpan.Zero, sample.Period);
    }

    [Fact]
    public async Task A_guest_whose_driver_is_bound_but_never_reported_has_never_reported()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(MemoryStatsReason.NeverReported, sample.Reason);
        Assert.Equal(MemoryStatsReason.NeverReported, sample.WhyMissing(MemoryStatTag.Usable));
        Assert.Equal(1, fake.CountOf("x-query-virtio-status"));
    }

    [Fact]
    public async Task A_guest_without_a_driver_is_told_from_one_that_never_reported()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsDriverBound = false;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task An_old_QEMU_that_cannot_tell_is_asked_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("x-query-virtio-status", FakeQmp.Error("CommandNotFound", "The command x-query-virtio-status has not been found"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        for (int i = 0; i < 3; i++)
            Assert.Equal(MemoryStatsReason.NeverReported, (await session.SampleAsync()).Reason);
        Assert.Equal(1, fake.CountOf("x-query-virtio-status"));
    }

    [Fact]
    public async Task A_QEMU_that_could_not_tell_once_for_another_reason_is_asked_again()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsDriverBound = false;
        fake.On("x-query-virtio-status", FakeQmp.Error("GenericError", "not realized"));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsReason.NeverReported, (await session.SampleAsync()).Reason);
        fake.Forget("x-query-virtio-status");
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_driver_that_reports_nothing_but_moves_has_no_service()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.LastUpdate = (_time.GetUtcNow().ToUnixTimeSeconds() - 1).ToString(CultureInfo.InvariantCulture);
        foreach ((string name, _) in FakeGuest.Sixteen.Take(10))
            fake.Guest.Stats[name] = "18446744073709551615";
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsReason.DriverWithoutService, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task A_driver_that_reports_only_what_cannot_be_is_rejected()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.LastUpdate = (_time.GetUtcNow().ToUnixTimeSeconds() - 1).ToString(CultureInfo.InvariantCulture);
        fake.Guest.Stats["stat-free-memory"] = "18446744073709547520";
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsReason.RejectedValue, (await session.SampleAsync()).Reason);
    }

    [Fact]
    public async Task Numbers_that_cannot_be_true_together_are_delivered_and_flagged()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Stats["stat-total-memory"] = "5368709120";
        fake.Guest.Stats["stat-available-memory"] = "5368709121024";
        fake.Guest.Stats["stat-free-memory"] = "5368709122048";
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(
            MemoryStatsInconsistency.AvailableAboveMaximum | MemoryStatsInconsistency.UsableAboveAvailable
                | MemoryStatsInconsistency.UnusedAboveAvailable,
            sample.Inconsistencies);
        Assert.Null(sample.Used);
        Assert.Equal(5ul * 1024 * 1024, sample.AvailableKiB);
    }

    [Fact]
    public async Task A_counter_that_goes_backwards_is_flagged_until_the_next_report()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
        fake.Guest.Stats["stat-minor-faults"] = "3";

        Assert.Equal(MemoryStatsInconsistency.CounterWentBackwards, (await session.SampleAsync()).Inconsistencies);
        Assert.Equal(MemoryStatsInconsistency.CounterWentBackwards, (await session.SampleAsync()).Inconsistencies);
        fake.Guest.Stats["stat-minor-faults"] = "4";
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
    }

    [Fact]
    public async Task Everybody_who_shared_an_answer_is_told_the_same_about_its_counters()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        _ = await session.SampleAsync();
        int faults = 1_000;
        fake.On("guest-stats", _ => FakeQmp.Return($$"""{"stats": {"stat-minor-faults": {{faults--}} }, "last-update": 5}"""));
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStats> first = session.SampleAsync();
        await fake.ReceivedAsync("guest-stats", 2);
        Task<MemoryStats>[] others = [.. Enumerable.Range(0, 8).Select(_ => session.SampleAsync())];
        release.SetResult();

        Assert.Equal(MemoryStatsInconsistency.None, (await first.In()).Inconsistencies);
        Assert.All(await Task.WhenAll(others).In(), sample =>
        {
            Assert.Equal(999ul, sample.MinorFaults);
            Assert.Equal(MemoryStatsInconsistency.CounterWentBackwards, sample.Inconsistencies);
        });
    }

    [Fact]
    public async Task Counters_of_whole_numbers_may_only_grow_however_many_ask()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        long faults = 0;
        fake.On("guest-stats", _ => FakeQmp.Return($$"""{"stats": {"stat-minor-faults": {{Interlocked.Increment(ref faults)}} }, "last-update": 5}"""));
        async Task SampleAsync()
        {
            for (int i = 0; i < 50; i++)
                Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(SampleAsync))).In();
    }

    [Fact]
    public async Task A_monitor_that_does_not_answer_is_a_reason_and_no_error()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, TimeSpan.FromSeconds(2));
        fake.Hold("guest-stats");
        Task<MemoryStats> call = session.SampleAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(TimeSpan.FromSeconds(2));

        MemoryStats sample = await call.In();

        Assert.Equal(MemoryStatsReason.MonitorHung, sample.Reason);
        Assert.Contains("did not answer within 2 s", sample.Detail, StringComparison.Ordinal);
        Assert.Empty(sample.Entries);
        Assert.Equal(MemoryStatsReason.MonitorHung, sample.WhyMissing(MemoryStatTag.Usable));
        Assert.Null(sample.Period);
    }

    [Fact]
    public async Task A_sample_whose_second_question_gets_no_answer_is_a_sample()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, TimeSpan.FromSeconds(2));
        _ = await session.SampleAsync();
        fake.Hold("x-query-virtio-status");
        Task<MemoryStats> call = session.SampleAsync();
        await fake.ReceivedAsync("x-query-virtio-status", 2);
        _time.Advance(TimeSpan.FromSeconds(2));

        MemoryStats sample = await call.In();

        Assert.Equal(MemoryStatsReason.NeverReported, sample.Reason);
        Assert.Equal(2048ul * 1024, sample.ActualKiB);
    }
}
