using Ballast.Drivers.Remote;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Tests.Drivers.Qemu;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>How long a call through a daemon waits, and who notices that the daemon is dead.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class PatienceTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The monitors' deadline is none of a daemon's callers'.
    private ConnectionOptions Options => new() { TimeProvider = _time, Timeout = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task A_daemon_may_take_half_a_minute_for_a_call()
    {
        PipedDaemon daemon = new() { Silent = { RemoteProcedure.ConnectGetVersion } };
        await using RemoteDriver driver = await daemon.OpenAsync(Options, Token);
        Task<ulong> call = driver.GetVersionAsync(Token).AsTask();
        Assert.Equal(30, await SecondsUntilEndAsync(call));
        LibvirtException error = await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("did not answer ConnectGetVersion within 30 s", error.Message, StringComparison.Ordinal);
        Assert.InRange(daemon.Pings, 1, 30);
    }

    [Fact]
    public async Task Its_callers_may_have_another_patience()
    {
        PipedDaemon daemon = new() { Silent = { RemoteProcedure.ConnectGetVersion } };
        await using RemoteDriver driver = await daemon.OpenAsync(Options with { DaemonTimeout = TimeSpan.FromSeconds(7) }, Token);
        Assert.Equal(7, await SecondsUntilEndAsync(driver.GetVersionAsync(Token).AsTask()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task No_patience_at_all_is_refused(int seconds) => await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Connection.OpenAsync(
        "test:///default", new ConnectionOptions { DaemonTimeout = TimeSpan.FromSeconds(seconds) }, Token).AsTask());

    [Fact]
    public async Task A_patience_longer_than_any_timer_is_taken()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using Connection connection = await Connection.OpenAsync(
            $"test+unix:///default?socket={server.SocketPath}", new ConnectionOptions { DaemonTimeout = TimeSpan.MaxValue }, Token);
        Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task One_that_is_dead_is_noticed_before_its_callers_deadline()
    {
        PipedDaemon daemon = new();
        await using RemoteDriver driver = await daemon.OpenAsync(Options, Token);
        daemon.IsDead = true;
        Task<ulong> call = driver.GetVersionAsync(Token).AsTask();
        Assert.InRange(await SecondsUntilEndAsync(call), 20, 26);
        LibvirtException error = await call.FailsAsync(ErrorCode.InternalError);
        Assert.Contains("keepalive timeout", error.Message, StringComparison.Ordinal);
        Assert.False(driver.IsAlive);
    }

    [Fact]
    public async Task One_whose_answer_is_still_coming_is_not_dead()
    {
        const int partBytes = 4, seconds = 10;
        PipedDaemon daemon = new();
        await using RemoteDriver driver = await daemon.OpenAsync(Options with { DaemonTimeout = TimeSpan.FromSeconds(150) }, Token);
        daemon.IsDead = true;
        Task<ulong> call = driver.GetVersionAsync(Token).AsTask();
        await daemon.AskedAsync(RemoteProcedure.ConnectGetVersion);
        foreach (byte[] part in daemon.HeldAnswer().Chunk(partBytes))
        {
            for (int i = 0; i < seconds; i++)
            {
                await Task.Delay(20, Token);
                _time.Advance(TimeSpan.FromSeconds(1));
            }

            daemon.Send(part);
        }

        Assert.Equal(9_000_000u, await call.WaitAsync(TimeSpan.FromSeconds(15), Token));
    }

    [Theory]
    [InlineData(2, 1, 4)]
    [InlineData(1, 9, 10)]
    [InlineData(3, 0, 3)]
    [InlineData(0, 1, 30)]
    public async Task How_soon_it_is_noticed_can_be_chosen(int interval, int count, int seconds)
    {
        PipedDaemon daemon = new();
        await using RemoteDriver driver = await daemon.OpenAsync(Options with { KeepaliveInterval = TimeSpan.FromSeconds(interval), KeepaliveCount = count }, Token);
        daemon.IsDead = true;
        Task<ulong> call = driver.GetVersionAsync(Token).AsTask();
        Assert.InRange(await SecondsUntilEndAsync(call), seconds, seconds + 1);
        Assert.Equal(interval == 0, driver.IsAlive);
    }

    [Fact]
    public void Probes_that_no_timer_can_make_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectionOptions { KeepaliveInterval = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectionOptions { KeepaliveInterval = TimeSpan.FromDays(1) + TimeSpan.FromTicks(1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectionOptions { KeepaliveCount = -1 });
    }

    [Fact]
    public async Task It_is_noticed_while_it_opens_its_driver_too()
    {
        PipedDaemon daemon = new();
        daemon.OnCall = procedure => daemon.IsDead |= procedure == RemoteProcedure.ConnectOpen;
        Task<RemoteDriver> opening = daemon.OpenAsync(Options, Token);
        Assert.InRange(await SecondsUntilEndAsync(opening), 20, 26);
        Assert.Contains("keepalive timeout", (await opening.FailsAsync(ErrorCode.InternalError)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_opens_its_driver_for_long_and_answers_pings_is_waited_for()
    {
        PipedDaemon daemon = new() { Silent = { RemoteProcedure.ConnectOpen } };
        Task<RemoteDriver> opening = daemon.OpenAsync(Options, Token);
        Assert.Equal(30, await SecondsUntilEndAsync(opening));
        await opening.FailsAsync(ErrorCode.OperationTimeout);
    }

    [Theory]
    [InlineData(RemoteProcedure.AuthList)]
    [InlineData(RemoteProcedure.ConnectSupportsFeature)]
    [InlineData(RemoteProcedure.ConnectOpen)]
    [InlineData(RemoteProcedure.ConnectGetType)]
    internal async Task Without_keepalive_the_deadline_ends_the_opening(RemoteProcedure silent)
    {
        PipedDaemon daemon = new() { HasKeepalive = false, Silent = { silent } };
        Task<RemoteDriver> opening = daemon.OpenAsync(Options, Token);
        Assert.Equal(30, await SecondsUntilEndAsync(opening));
        Assert.Contains("did not open the connection within 30 s", (await opening.FailsAsync(ErrorCode.OperationTimeout)).Message, StringComparison.Ordinal);
        Assert.Equal(0, daemon.Pings);
    }

    // What each call of the opening waits for could end first, and says neither where the daemon is nor what to do.
    [Theory]
    [InlineData(RemoteProcedure.AuthList)]
    [InlineData(RemoteProcedure.ConnectSupportsFeature)]
    [InlineData(RemoteProcedure.ConnectOpen)]
    [InlineData(RemoteProcedure.ConnectGetType)]
    internal async Task No_other_deadline_than_that_of_the_opening_counts_until_it_is_over(RemoteProcedure silent)
    {
        PipedDaemon daemon = new() { HasKeepalive = false, Silent = { silent } };
        ConnectionOptions options = new() { KeepaliveInterval = TimeSpan.Zero, DaemonTimeout = TimeSpan.FromSeconds(1), TimeProvider = new LaterIsEarlier() };
        LibvirtException error = await daemon.OpenAsync(options, Token).FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal("Timed out during operation: the daemon did not open the connection within 1 s", error.Message);
    }

    [Fact]
    public async Task The_calls_of_an_opening_do_not_add_up()
    {
        PipedDaemon daemon = new() { HasKeepalive = false };
        daemon.OnCall = _ => _time.Advance(TimeSpan.FromSeconds(9));
        await daemon.OpenAsync(Options, Token).FailsAsync(ErrorCode.OperationTimeout);
    }

    [Fact]
    public async Task Whoever_cancels_goes_on_at_once()
    {
        PipedDaemon daemon = new() { Silent = { RemoteProcedure.ConnectGetVersion, RemoteProcedure.ConnectOpen } };
        using CancellationTokenSource cancel = new();
        Task<RemoteDriver> opening = daemon.OpenAsync(Options, cancel.Token);
        await daemon.AskedAsync(RemoteProcedure.ConnectOpen);
        await cancel.CancelAsync();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.In());
        Assert.Equal(cancel.Token, cancelled.CancellationToken);

        daemon.Silent.Remove(RemoteProcedure.ConnectOpen);
        await using RemoteDriver driver = await daemon.OpenAsync(Options, Token);
        using CancellationTokenSource again = new();
        Task<ulong> call = driver.GetVersionAsync(again.Token).AsTask();
        await daemon.AskedAsync(RemoteProcedure.ConnectGetVersion);
        await again.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.In());
        Assert.True(driver.IsAlive);
    }

    [Fact]
    public async Task All_who_need_a_lost_connection_wait_for_one_attempt()
    {
        PipedDaemon daemon = new() { HasKeepalive = false };
        await using RemoteDriver driver = await daemon.OpenAsync(Options with { Reconnect = true }, Token);
        daemon.Silent.Add(RemoteProcedure.AuthList);
        daemon.Drop();
        using CancellationTokenSource cancel = new();
        Task<ulong> first = await AskUntilReopenedAsync(driver, daemon, RemoteProcedure.AuthList, cancel.Token);
        Task<ulong>[] calls = [.. Enumerable.Range(0, 20).Select(_ => driver.GetVersionAsync(Token).AsTask())];
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.In());
        Assert.Equal(30, await SecondsUntilEndAsync(Task.WhenAll(calls)));
        foreach (Task<ulong> call in calls)
            await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal(2, daemon.Connections);

        daemon.Silent.Clear();
        Assert.Equal(9_000_000u, await driver.GetVersionAsync(Token));
        Assert.Equal(3, daemon.Connections);
    }

    [Fact]
    public async Task Closing_ends_an_attempt_to_open_it_again()
    {
        PipedDaemon daemon = new() { HasKeepalive = false };
        RemoteDriver driver = await daemon.OpenAsync(Options with { Reconnect = true }, Token);
        daemon.Silent.Add(RemoteProcedure.ConnectOpen);
        daemon.Drop();
        Task<ulong> call = await AskUntilReopenedAsync(driver, daemon, RemoteProcedure.ConnectOpen, Token);
        await driver.DisposeAsync().AsTask().In();
        await Assert.ThrowsAnyAsync<Exception>(() => call.In());
        Assert.Equal(2, daemon.Connections);
    }

    [Fact]
    public async Task One_that_reads_nothing_is_noticed_though_no_ping_can_be_sent()
    {
        PipePair pipes = new(unread: 64);
        await using RpcClient client = new(pipes.Near, _time);
        client.StartKeepalive(TimeSpan.FromSeconds(5), 4);
        Task<Nothing> call = client.CallAsync<OpenArgs, Nothing>(
            RemoteProcedure.ConnectOpen, new() { Name = new string('a', 100) }, TimeSpan.FromMinutes(9), changesSomething: false, Token).AsTask();
        Assert.InRange(await SecondsUntilEndAsync(call), 20, 26);
        Assert.Contains("keepalive timeout", (await call.FailsAsync(ErrorCode.InternalError)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_that_give_up_behind_one_that_reads_nothing_leave_nothing_behind()
    {
        PipePair pipes = new(unread: 64);
        PipedPeer server = new(pipes.Far);
        await using RpcClient client = new(pipes.Near, _time);
        Task<NumberReply> first = AskAsync(Token), second = AskAsync(Token), third = AskAsync(Token);
        using CancellationTokenSource cancel = new();
        Task<NumberReply>[] given = [.. Enumerable.Range(0, 1000).Select(_ => AskAsync(cancel.Token))];
        await cancel.CancelAsync();
        foreach (Task<NumberReply> call in given)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.In());
        Task answered = Task.WhenAll(first, second, third, AskAsync(Token));

        // A few may have had their turn in the moment in which they gave up.
        await Task.Delay(200, Token);
        int frames = 0;
        for (; !answered.IsCompleted; frames++)
        {
            server.Send(Frames.Of(Frames.Header((await server.ReceiveAsync())!) with { Type = RpcType.Reply }, [0, 0, 0, 1]));
            _ = await Task.WhenAny(answered, Task.Delay(20, Token));
        }

        await answered;
        Assert.InRange(frames, 4, 100);

        Task<NumberReply> AskAsync(CancellationToken token) => client.CallAsync<FeatureArgs, NumberReply>(
            RemoteProcedure.ConnectSupportsFeature, new() { Feature = 1 }, TimeSpan.FromMinutes(9), changesSomething: false, token).AsTask();
    }

    /// <summary>The first call that finds the connection lost and waits for another, which hangs at that call.</summary>
    private static async Task<Task<ulong>> AskUntilReopenedAsync(
        RemoteDriver driver, PipedDaemon daemon, RemoteProcedure hangsAt, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<ulong> call = driver.GetVersionAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(call, daemon.AskedAsync(hangsAt, 2)) != call)
                return call;
        }
    }

    /// <summary>How many seconds of the test's clock pass until it ends.</summary>
    private async Task<int> SecondsUntilEndAsync(Task task)
    {
        for (int seconds = 0; seconds <= 100; seconds++)
        {
            // Time stands still for whoever has not set a timer yet, or has not looked at one.
            _ = await Task.WhenAny(task, Task.Delay(20, Token));
            if (task.IsCompleted)
                return seconds;
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Fail("it never ends");
        return 0;
    }

    /// <summary>Of two timers of the same length, the one that was started later ends first.</summary>
    private sealed class LaterIsEarlier : TimeProvider
    {
        private int _timers;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime < TimeSpan.FromMilliseconds(1) ? dueTime : dueTime / Interlocked.Increment(ref _timers), period);
    }
}
