using Ballast.Guests;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A report at once, and the collection period as it was.</summary>
public sealed class RefreshTests
{
    private const string Set = "set guest-stats-polling-interval";
    private const long Before = 1_700_000_000, Now = Before + 600;
    private const ulong MiB = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static FakeQmp Guest(long interval = 3600, bool answers = true)
    {
        FakeQmp fake = FakeQmp.Start();
        fake.Guest.Report(Before, 5 * MiB);
        fake.Guest.Interval = interval;
        if (answers)
            fake.Guest.Asked = () => fake.Guest.Report(Now, 7 * MiB);
        return fake;
    }

    private static string[] Written(FakeQmp fake) =>
        [.. fake.Commands.Where(command => command.Key == Set).Select(command => command.Argument("value"))];

    [Fact]
    public async Task With_a_period_it_is_turned_off_and_on_in_one_write()
    {
        await using FakeQmp fake = Guest();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int chunks = 0;
        fake.On(Set, command =>
        {
            chunks = chunks == 0 ? fake.Chunks : chunks;
            Assert.Equal(chunks, fake.Chunks);
            return fake.Guest.Answer(command);
        });

        MemoryStats sample = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal(7 * MiB / 1024, sample.UnusedKiB);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Now), sample.LastUpdate);
        Assert.Equal(["0", "3600"], Written(fake));
        Assert.Equal(3600, fake.Guest.Interval);
        string[] all = [.. fake.Commands.Select(command => command.Key)];
        Assert.Equal(Set, all[Array.IndexOf(all, Set) + 1]);
    }

    [Fact]
    public async Task Without_a_period_one_of_a_day_is_set_and_taken_back()
    {
        await using FakeQmp fake = Guest(interval: 0);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal(7 * MiB / 1024, sample.UnusedKiB);
        Assert.Equal(["86400", "0"], Written(fake));
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(0)]
    public async Task An_answer_is_fresh_though_its_time_has_whole_seconds(long interval)
    {
        await using FakeQmp fake = Guest(interval);
        FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(Now));
        fake.Guest.Asked = () =>
        {
            // At the end of one second, and it is seen in the next.
            fake.Guest.Report(Now, 7 * MiB);
            time.Advance(TimeSpan.FromSeconds(1.1));
        };
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        Task<MemoryStats> refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
        while (!refresh.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(1, Token);
        }

        MemoryStats sample = await refresh;
        Assert.Equal(Freshness.Fresh, sample.Freshness);
        Assert.True(sample.Age > TimeSpan.FromSeconds(1), $"{sample.Age}");
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(0)]
    public async Task Twenty_at_once_are_one(long interval)
    {
        await using FakeQmp fake = Guest(interval);
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using Connection other = await FakeSession.ConnectAsync(fake);
        Domain same = Assert.Single(await other.ListDomainsAsync(cancellationToken: Token));
        TaskCompletionSource release = fake.Hold(Set);

        Task<MemoryStats>[] all = [.. Enumerable.Range(0, 20).Select(i =>
            (i % 2 == 0 ? session.Domain : same).RefreshMemoryStatsAsync(cancellationToken: Token).AsTask())];
        await fake.ReceivedAsync(Set);
        release.SetResult();

        Assert.All(await Task.WhenAll(all).In(), sample => Assert.Equal(7 * MiB / 1024, sample.UnusedKiB));
        Assert.Equal(2, Written(fake).Length);
        Assert.Equal(interval, fake.Guest.Interval);
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_others_their_report_and_the_period_as_it_was()
    {
        await using FakeQmp fake = Guest(interval: 0);
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold(Set);
        using CancellationTokenSource cancel = new();

        Task<MemoryStats> gone = session.Domain.RefreshMemoryStatsAsync(cancellationToken: cancel.Token).AsTask();
        Task<MemoryStats> stays = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
        await fake.ReceivedAsync(Set);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone.In());
        release.SetResult();

        Assert.Equal(7 * MiB / 1024, (await stays.In()).UnusedKiB);
        Assert.Equal(["86400", "0"], Written(fake));
    }

    [Fact]
    public async Task The_only_caller_gives_up_and_the_period_is_taken_back_all_the_same()
    {
        await using FakeQmp fake = Guest(interval: 0, answers: false);
        await using FakeSession session = await FakeSession.AtAsync(fake, timeout: TimeSpan.FromSeconds(1));
        using CancellationTokenSource cancel = new();

        Task<MemoryStats> refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: cancel.Token).AsTask();
        await fake.ReceivedAsync(Set);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => refresh.In());

        await fake.ReceivedAsync(Set, 2);
        Assert.Equal(["86400", "0"], Written(fake));
    }

    [Fact]
    public async Task Closing_the_connection_takes_the_period_back_first()
    {
        await using FakeQmp fake = Guest(interval: 0, answers: false);
        Task<MemoryStats> refresh;
        await using (FakeSession session = await FakeSession.AtAsync(fake))
        {
            refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
            await fake.ReceivedAsync(Set);
        }

        Assert.Equal(["86400", "0"], Written(fake));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => refresh.In());
    }

    [Fact]
    public async Task Closing_waits_for_no_silent_monitor_however_many_there_are()
    {
        const int count = 40;
        using PrivateDirectory directory = new();
        FakeQmp[] fakes = [.. Enumerable.Range(0, count).Select(i => Silent(directory.File($"q{i}")))];
        Connection connection = await Connection.OpenAsync(
            $"qmp://{directory.Path}", new ConnectionOptions { Timeout = TimeSpan.FromMinutes(5) }, Token);
        TaskCompletionSource[] releases = [.. fakes.Select(fake => fake.Hold(Set))];
        Task[] refreshes = [.. (await connection.ListDomainsAsync(cancellationToken: Token).In()).Select(RefreshAsync)];
        await Task.WhenAll(fakes.Select(fake => fake.ReceivedAsync(Set)));

        await connection.DisposeAsync().AsTask().In();

        await Task.WhenAll(refreshes).In();
        foreach ((FakeQmp fake, TaskCompletionSource release) in fakes.Zip(releases))
        {
            release.SetResult();
            await fake.DisposeAsync();
        }

        static FakeQmp Silent(string path)
        {
            FakeQmp fake = FakeQmp.Start(path: path);
            fake.Guest.Report(Before, 5 * MiB);
            return fake;
        }

        static async Task RefreshAsync(Domain domain) =>
            await Assert.ThrowsAnyAsync<Exception>(() => domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask());
    }

    [Fact]
    public async Task Somebody_elses_period_that_came_meanwhile_stays()
    {
        await using FakeQmp fake = Guest(interval: 0, answers: false);
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On(Set, command =>
        {
            string? reply = fake.Guest.Answer(command);
            fake.Guest.Interval = 5;
            fake.Guest.Report(Now, 7 * MiB);
            return reply;
        });

        _ = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal(["86400"], Written(fake));
        Assert.Equal(5, fake.Guest.Interval);
    }

    [Theory]
    [InlineData(false, 600, 0)]
    [InlineData(false, 1, 86400)]
    [InlineData(true, 600, 86400)]
    public async Task What_a_killed_refresh_left_is_off_for_all_and_put_back_by_who_may(bool isReadOnly, int age, long interval)
    {
        // One that is so young may be of a refresh that runs, over another monitor.
        await using FakeQmp fake = Guest(interval: 86400);
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(Before + age));
        await using Connection connection = await Connection.OpenAsync(
            fake.Uri, new ConnectionOptions { ReadOnly = isReadOnly, TimeProvider = clock }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));

        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal((MemoryStatsReason.PollingOff, TimeSpan.Zero), (sample.Reason, sample.Period));
        Assert.Equal(0, await domain.GetPeriodAsync(Token).In());
        Assert.Equal(interval, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_refresh_after_one_that_was_killed_asks_the_guest_and_leaves_collection_off()
    {
        await using FakeQmp fake = Guest(interval: 86400);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal(7 * MiB / 1024, sample.UnusedKiB);
        Assert.Equal(["0", "86400", "0"], Written(fake));
    }

    [Fact]
    public async Task A_lease_takes_what_a_killed_refresh_left_for_off()
    {
        await using FakeQmp fake = Guest(interval: 86400);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        await using (await session.Domain.EnsurePeriodAsync(5, Token))
            Assert.Equal(5, fake.Guest.Interval);
        Assert.Equal(0, fake.Guest.Interval);
    }

    [Theory]
    [InlineData("paused", true, true, MemoryStatsReason.Paused)]
    [InlineData("running", false, true, MemoryStatsReason.DriverNotLoaded)]
    [InlineData("running", true, false, MemoryStatsReason.NoBalloonDevice)]
    public async Task Whom_nobody_can_ask_is_not_asked(string status, bool isDriverBound, bool hasBalloon, MemoryStatsReason reason)
    {
        await using FakeQmp fake = Guest();
        fake.Guest.Status = status;
        fake.Guest.IsDriverBound = isDriverBound;
        fake.Guest.Balloon = hasBalloon ? fake.Guest.Balloon : null;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(reason, (await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In()).Reason);
        Assert.Empty(Written(fake));
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(0)]
    public async Task Old_numbers_of_a_guest_that_does_not_answer_are_stale_however_long_its_period(long interval)
    {
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(Before + 10)) { AutoAdvanceAmount = TimeSpan.FromMilliseconds(20) };
        await using FakeQmp fake = Guest(interval, answers: false);
        await using FakeSession session = await FakeSession.AtAsync(fake, clock);

        Task<MemoryStats> refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
        await Waiting.UntilAsync("end", () =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(50));
            return refresh.IsCompleted;
        });

        MemoryStats sample = await refresh;
        Assert.Equal(Freshness.Stale, sample.Freshness);
        Assert.Equal("the guest was asked for a report and did not answer in time", sample.Detail);
        Assert.Equal(5 * MiB / 1024, sample.UnusedKiB);

        // This clock runs far ahead of what is done meanwhile.
        await Waiting.UntilAsync("period", () => fake.Guest.Interval == interval);
    }

    [Fact]
    public async Task The_same_numbers_in_the_same_second_are_an_answer_where_the_queue_says_so()
    {
        await using FakeQmp fake = Guest(answers: false);
        fake.Guest.Asked = () => fake.Guest.Report(Before, 5 * MiB);
        await using FakeSession session = await FakeSession.AtAsync(
            fake, new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Before)) { AutoAdvanceAmount = TimeSpan.FromMicroseconds(10) });
        FakeTimeProvider clock = (FakeTimeProvider)session.Connection.Options.TimeProvider;

        Task<MemoryStats> refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
        await Waiting.UntilAsync("end", () =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(1));
            return refresh.IsCompleted;
        });

        Assert.Equal(Freshness.Fresh, (await refresh).Freshness);
        Assert.Equal(["0", "3600"], Written(fake));
    }

    [Fact]
    public async Task A_QEMU_that_cannot_tell_is_asked_once_more_in_the_next_second()
    {
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(Before).AddMilliseconds(900));
        await using FakeQmp fake = Guest(answers: false);
        fake.Guest.StatsQueueIndex = null;
        fake.Guest.Asked = () => fake.Guest.Report(clock.GetUtcNow().ToUnixTimeSeconds(), 5 * MiB);
        await using FakeSession session = await FakeSession.AtAsync(fake, clock);

        Task<MemoryStats> refresh = session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask();
        await Waiting.UntilAsync("end", () =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(5));
            return refresh.IsCompleted;
        });

        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Before + 1), (await refresh).LastUpdate);
        Assert.Equal(["0", "3600", "0", "3600"], Written(fake));
    }

    [Fact]
    public async Task A_silent_monitor_gets_no_change_and_its_sample_says_so()
    {
        await using FakeQmp fake = Guest();
        await using FakeSession session = await FakeSession.AtAsync(fake, timeout: TimeSpan.FromMilliseconds(300));
        TaskCompletionSource release = fake.Hold("guest-stats");

        MemoryStats sample = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).In();

        Assert.Equal(MemoryStatsReason.MonitorHung, sample.Reason);
        Assert.Empty(Written(fake));
        release.SetResult();
    }

    [Fact]
    public async Task A_change_that_is_not_answered_may_still_take_effect()
    {
        await using FakeQmp fake = Guest();
        await using FakeSession session = await FakeSession.AtAsync(fake, timeout: TimeSpan.FromMilliseconds(300));
        TaskCompletionSource release = fake.Hold(Set);

        LibvirtException error = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask()
            .FailsAsync(ErrorCode.OperationTimeout);

        Assert.Contains("may still take effect", error.Message, StringComparison.Ordinal);
        release.SetResult();
    }

    [Fact]
    public async Task A_refusal_is_told_and_the_period_is_not_left_off()
    {
        await using FakeQmp fake = Guest();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        bool isRefused = false;
        fake.On(Set, command =>
        {
            if (command.Argument("value") != "3600" || isRefused)
                return fake.Guest.Answer(command);
            isRefused = true;
            return FakeQmp.Error("GenericError", "not now");
        });

        LibvirtException error = await session.Domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask()
            .FailsAsync(ErrorCode.OperationInvalid);

        Assert.Contains("not now", error.Message, StringComparison.Ordinal);
        Assert.Equal(3600, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_read_only_connection_refuses_before_anything_is_asked()
    {
        await using FakeQmp fake = Guest();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, new ConnectionOptions { ReadOnly = true }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationDenied);
        Assert.Empty(Written(fake));
    }
}
