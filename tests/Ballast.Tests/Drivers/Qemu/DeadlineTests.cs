using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A monitor that is silent: every wait ends in time, and what comes late is nobody's answer.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    [Fact]
    public async Task A_caller_gets_a_timeout_when_its_deadline_passes_and_not_before()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        fake.Hold("guest-stats");

        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(Timeout - TimeSpan.FromMilliseconds(1));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        LibvirtException error = await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal(ErrorOrigin.Qemu, error.Origin);
        Assert.Equal($"Timed out during operation: QEMU monitor '{fake.Path}' did not answer within 2 s", error.Message);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task A_monitor_known_to_be_silent_is_not_asked_again()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        await HangAsync(fake, session);
        long sent = session.Monitor.CommandsSent;
        int received = fake.Commands.Count;

        for (int i = 0; i < 20; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.OperationTimeout);
            Assert.Contains("it was not asked again", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(MemoryStatsReason.MonitorHung, (await session.SampleAsync()).Reason);
        Assert.Equal(default, await session.Domain.GetStateAsync(TestContext.Current.CancellationToken));
        Assert.Equal(sent, session.Monitor.CommandsSent);
        Assert.Equal(received, fake.Commands.Count);
    }

    [Fact]
    public async Task The_first_answer_revives_a_silent_monitor()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = await HangAsync(fake, session);
        _time.Advance(TimeSpan.FromHours(1));

        release.SetResult();
        await Waiting.UntilAsync("answer", () => !session.Monitor.IsBusy);
        MemoryStat[] stats = await session.StatsAsync();

        // 1 was told at the handshake, 2 and 3 too late.
        Assert.Equal([5ul, 4, 1], stats.Select(stat => stat.Value));
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task Who_still_has_time_when_another_gives_up_is_asked_for_behind_the_mark()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> first = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(TimeSpan.FromSeconds(1));
        Task<MemoryStat[]> second = session.StatsAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        await first.FailsAsync(ErrorCode.OperationTimeout);
        Assert.False(second.IsCompleted);
        await fake.ReceivedAsync("query-status", 2);

        release.SetResult();

        // 1 was told at the handshake, 2 and 3 belong to the first.
        Assert.Equal([5ul, 4, 1], (await second.In()).Select(stat => stat.Value));
    }

    [Fact]
    public async Task A_callers_deadline_runs_from_its_own_asking()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        fake.Hold("guest-stats");
        Task<MemoryStat[]>[] calls = new Task<MemoryStat[]>[4];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i] = session.StatsAsync();
            _time.Advance(TimeSpan.FromSeconds(0.4));
        }

        for (int i = 0; i < calls.Length; i++)
        {
            Assert.False(calls[i].IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(0.4));
            await calls[i].FailsAsync(ErrorCode.OperationTimeout);
        }
    }

    [Fact]
    public async Task Callers_with_different_timeouts_share_a_query_and_each_waits_its_own_time()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession patient = await FakeSession.AtAsync(fake, _time, TimeSpan.FromSeconds(60));
        await using FakeSession hasty = await FakeSession.AtAsync(fake, _time, TimeSpan.FromSeconds(1));
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> long1 = patient.StatsAsync();
        Task<MemoryStat[]> short1 = hasty.StatsAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        await short1.FailsAsync(ErrorCode.OperationTimeout);
        _time.Advance(TimeSpan.FromSeconds(58));
        Assert.False(long1.IsCompleted);
        await hasty.StatsAsync().FailsAsync(ErrorCode.OperationTimeout);

        release.SetResult();

        Assert.Equal(3, (await long1.In()).Length);
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task A_slow_answer_in_time_is_an_answer()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(TimeSpan.FromSeconds(1.9));
        release.SetResult();

        Assert.Equal(2, (await call.In()).Length);
    }

    [Fact]
    public async Task A_timeout_beyond_all_measure_is_no_error()
    {
        await using FakeQmp fake = FakeQmp.Start();
        foreach (TimeSpan timeout in (TimeSpan[])[TimeSpan.MaxValue, TimeSpan.FromDays(60), TimeSpan.FromTicks(long.MaxValue / 100)])
        {
            await using FakeSession session = await FakeSession.AtAsync(fake, timeout: timeout);

            Assert.Equal(2, (await session.StatsAsync()).Length);
            await session.Domain.SetPeriodAsync(3, cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    private async Task<TaskCompletionSource> HangAsync(FakeQmp fake, FakeSession session)
    {
        TaskCompletionSource release = fake.Hold("guest-stats");
        int marks = fake.CountOf("query-status");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(Timeout);
        await call.FailsAsync(ErrorCode.OperationTimeout);
        await fake.ReceivedAsync("query-status", marks + 1);
        return release;
    }
}
