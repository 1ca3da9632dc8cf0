using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Telemetry;

/// <summary>What a connection tells its logger.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class LogTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly HeardLog _log = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task A_logger_that_fails_when_it_is_asked_keeps_nobody_waiting()
    {
        await using FakeQmp fake = FakeQmp.Start();
        using HeardLog log = new() { OnAsked = () => throw new InvalidOperationException("no") };
        await using Connection connection = await Connection.OpenAsync(
            fake.Uri, new ConnectionOptions { LoggerFactory = log, TimeProvider = _time, Timeout = Timeout }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<int> call = domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token).AsTask();
        await fake.ReceivedAsync("guest-stats");
        fake.Disconnect();
        await call.FailsAsync(ErrorCode.SystemError);
        release.SetResult();
    }

    [Fact]
    public async Task A_monitor_that_hangs_and_answers_again_is_told_of_once_each()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await OpenAsync(fake);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<int> call = domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token).AsTask();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(Timeout);
        await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal($"Monitor {fake.Path} has not answered for 2 s", await _log.HearAsync(103));
        _time.Advance(TimeSpan.FromSeconds(3));
        release.SetResult();
        Assert.Equal($"Monitor {fake.Path} answers again, after 5 s", await _log.HearAsync(104));
        _ = await domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token);
        Assert.Equal((1, 1, 1), (_log.Count(100), _log.Count(103), _log.Count(104)));
        Assert.Equal("Ballast", _log.Category);
    }

    [Fact]
    public async Task A_monitor_that_is_lost_is_told_of_and_one_that_is_closed_is_not()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using (Connection connection = await OpenAsync(fake))
        {
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
            fake.Disconnect();
            Assert.Equal($"QEMU closed monitor {fake.Path}", await _log.HearAsync(102));
            _ = await (await connection.ListDomainsAsync(cancellationToken: Token))[0].GetInfoAsync(Token);
            await Waiting.UntilAsync("a second connection", () => _log.Count(100) == 2);
        }

        Assert.Equal((2, 0, 1), (_log.Count(100), _log.Count(101), _log.Count(102)));
    }

    [Fact]
    public async Task Garbage_ends_a_connection_with_its_reason_and_a_refusal_is_told_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await OpenAsync(fake);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        fake.GreetingText = "what is this\n";
        await fake.SendAsync("]]\n");
        Assert.StartsWith($"Lost the connection to monitor {fake.Path}: ", await _log.HearAsync(101), StringComparison.Ordinal);
        for (int i = 0; i < 5; i++)
            await Assert.ThrowsAnyAsync<LibvirtException>(async () => await domain.GetInfoAsync(Token));
        Assert.Contains(fake.Path, await _log.HearAsync(106), StringComparison.Ordinal);
        Assert.InRange(_log.Count(106), 1, 2);
    }

    [Fact]
    public async Task Who_shares_a_monitor_is_told_too_and_who_left_is_not()
    {
        await using FakeQmp fake = FakeQmp.Start();
        HeardLog left = new();
        await using Connection silent = await OpenAsync(fake, withLog: false), connection = await OpenAsync(fake);
        await using (Connection leaving = await Connection.OpenAsync(fake.Uri, new ConnectionOptions { TimeProvider = _time, LoggerFactory = left }, Token))
        {
        }

        fake.Disconnect();
        _ = await _log.HearAsync(102);
        Assert.Empty(left.Lines);
    }

    [Fact]
    public async Task A_logger_that_throws_or_calls_the_library_harms_nobody()
    {
        await using FakeQmp fake = FakeQmp.Start();
        Connection? connection = null;
        int called = 0;
        HeardLog log = new()
        {
            OnLine = () =>
            {
                if (connection is not null)
                    called += connection.ListDomainsAsync(cancellationToken: Token).AsTask().GetAwaiter().GetResult().Count;
                throw new InvalidOperationException("a logger's own trouble");
            },
        };
        connection = await Connection.OpenAsync(fake.Uri, new ConnectionOptions { LoggerFactory = log }, Token);
        await using Connection owned = connection;
        for (int i = 1; i <= 3; i++)
        {
            fake.Disconnect();
            await Waiting.UntilAsync("the loss", () => log.Count(102) == i);
            _ = await (await connection.ListDomainsAsync(cancellationToken: Token))[0].GetInfoAsync(Token);
        }

        Assert.InRange(called, 1, int.MaxValue);
    }

    [Fact]
    public async Task A_daemon_that_is_lost_and_found_again_is_told_of()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using (Connection remote = await server.ConnectAsync(new ConnectionOptions { Reconnect = true, LoggerFactory = _log }))
        {
            server.DropClients();
            Assert.StartsWith("Lost the connection to the daemon of TEST domains: ", await _log.HearAsync(120), StringComparison.Ordinal);
            _ = await remote.ListDomainsAsync(cancellationToken: Token);
            Assert.Equal("Connected to the daemon of TEST domains again", await _log.HearAsync(121));
        }

        Assert.Equal((1, 1), (_log.Count(120), _log.Count(121)));
    }

    [Fact]
    public async Task An_exception_in_a_servers_handler_is_told_whole()
    {
        Connection broken = new(new BrokenDriver(), "fake:///", new ConnectionOptions { LoggerFactory = _log });
        await using ServerFixture server = ServerFixture.Start(broken);
        await using Connection remote = await server.ConnectAsync();
        await Assert.ThrowsAsync<LibvirtException>(async () => await remote.GetHostNameAsync(Token));
        _ = await _log.HearAsync(131);
        Assert.Contains(_log.Lines, line => line.Level == LogLevel.Error);
    }

    private async Task<Connection> OpenAsync(FakeQmp fake, bool withLog = true) => await Connection.OpenAsync(
        fake.Uri, new ConnectionOptions { TimeProvider = _time, Timeout = Timeout, LoggerFactory = withLog ? _log : null }, Token);

    private sealed class BrokenDriver : Ballast.Drivers.IDriver
    {
        public string Type => "FAKE";

        public ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("a mistake of ours");

        public ValueTask DisposeAsync() => default;
    }
}
