using System.Net;
using System.Runtime.Versioning;
using Ballast.Guests;
using Ballast.Server;
using Ballast.Tests.Cli;
using Ballast.Tests.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Integration;

/// <summary>Daemons of another host, in a network namespace of its own, and what becomes of their clients when the cable is cut.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class OtherHostTests : IDisposable
{
    private const int TcpPort = 16509, TlsPort = 16514;
    private const ulong Before = 1_000_000, After = 500_000;

    // Speaks plain text to a port of TLS, from one address after the other, until it is refused.
    private const string Strangers = """
        import socket, sys
        for source in sys.argv[2:]:
            with socket.create_connection((sys.argv[2], int(sys.argv[1])), source_address=(source, 0)) as client:
                client.sendall(bytes.fromhex("0000001c20008086000000010000004200000000" + "00" * 8))
                while client.recv(4096):
                    pass
        """;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100), Second = TimeSpan.FromSeconds(1), Long = TimeSpan.FromMinutes(2);

    private readonly TestPki _pki = TestPki.Create();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pki.Dispose();

    [Fact]
    public async Task A_call_that_the_cable_is_cut_under_ends_when_keepalive_or_its_deadline_says()
    {
        await using OtherHost host = await OtherHost.StartAsync(Token);
        await using BallastDaemon daemon = await StartAsync(host);

        // For two of them time stands still until the cable is cut: setting up takes as long as it takes. The third one has this host's
        // time, and would wait for its call for longer than a busy host could delay keepalive.
        FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
        ConnectionOptions quick = new() { KeepaliveInterval = Second, KeepaliveCount = 2, DaemonTimeout = TimeSpan.FromHours(1), TimeProvider = time };
        ConnectionOptions mute = new() { KeepaliveInterval = TimeSpan.Zero, DaemonTimeout = TimeSpan.FromSeconds(3), TimeProvider = time };
        ConnectionOptions plain = new() { DaemonTimeout = Long };
        foreach (bool tls in (bool[])[false, true])
        {
            await using Connection probed = await OpenAsync(host, tls, quick), bounded = await OpenAsync(host, tls, mute), usual = await OpenAsync(host, tls, plain);
            Domain guest = await bounded.LookupByNameAsync("test", Token);
            await guest.SetMemoryAsync(Before, cancellationToken: Token);

            // The calls are at the other host, and are worked on when the cable is cut.
            await daemon.StopAsync(Token);
            Task[] calls =
            [
                probed.ListDomainsAsync(cancellationToken: Token).AsTask(), guest.SetMemoryAsync(After, cancellationToken: Token).AsTask(),
                bounded.ListDomainsAsync(cancellationToken: Token).AsTask(), usual.ListDomainsAsync(cancellationToken: Token).AsTask(),
            ];
            await Deadline.UntilAsync(Deadline.Default, "calls at the other host", _ => Task.FromResult(host.HasUnread(tls ? TlsPort : TcpPort)), Token);
            await host.CutAsync(Token);
            daemon.Continue();
            Task seen = Task.WhenAll(calls[..^1]);
            await Deadline.UntilAsync(Long, "the end of calls", _ =>
            {
                time.Advance(Second);
                return Task.FromResult(seen.IsCompleted);
            }, Token);

            LibvirtException[] errors = new LibvirtException[calls.Length];
            for (int i = 0; i < calls.Length; i++)
                errors[i] = await Assert.ThrowsAsync<LibvirtException>(() => calls[i].WaitAsync(Long, Token));
            const string silent = "internal error: connection closed due to keepalive timeout";
            Assert.Equal((ErrorCode.InternalError, ErrorOrigin.Rpc, silent), (errors[0].Code, errors[0].Origin, errors[0].Message));
            Assert.Equal((ErrorCode.OperationTimeout, ErrorCode.OperationTimeout), (errors[1].Code, errors[2].Code));
            Assert.EndsWith("within 3 s; it may still take effect", errors[1].Message, StringComparison.Ordinal);
            Assert.EndsWith("within 3 s", errors[2].Message, StringComparison.Ordinal);

            // By default, keepalive's 25 seconds are over before a call's 30.
            Assert.True(plain.KeepaliveInterval * plain.KeepaliveCount < new ConnectionOptions().DaemonTimeout);
            Assert.Equal((ErrorCode.InternalError, silent), (errors[3].Code, errors[3].Message));
            Assert.Equal((false, false, true), (probed.IsAlive, usual.IsAlive, bounded.IsAlive));

            // Those of its own host see nothing of it, but for what took effect there if it had come.
            await using Connection there = await Connection.OpenAsync($"{daemon.Uri}&name=test:///default", cancellationToken: Token);
            Assert.Contains((await (await there.LookupByNameAsync("test", Token)).GetInfoAsync(Token)).MemoryKiB, new[] { Before, After });
            await host.RestoreAsync(Token);
            await using Connection next = await OpenAsync(host, tls, plain);
            Assert.Single(await next.ListDomainsAsync(cancellationToken: Token));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watch_that_the_cable_is_cut_under_goes_on_and_says_what_was_missed(bool tls)
    {
        // Time stands still until the cable is cut, flies while it is, and then is this host's again.
        FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
        HeardLog log = new();
        await using OtherHost host = await OtherHost.StartAsync(Token);
        await using BallastDaemon daemon = await StartAsync(host);
        await using Connection local = await Connection.OpenAsync($"{daemon.Uri}&name=test:///default", cancellationToken: Token);
        Domain guest = await local.LookupByNameAsync("test", Token);
        await guest.SetMemoryAsync(Before, cancellationToken: Token);
        ConnectionOptions options = new()
        {
            Reconnect = true,
            LoggerFactory = log,
            TimeProvider = time,
        };
        await using Connection connection = await OpenAsync(host, tls, options);
        await using DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: Token);
        await using IAsyncEnumerator<DomainEvent> events = subscription.GetAsyncEnumerator(Token);
        await using IAsyncEnumerator<DomainMemorySample> samples = connection.WatchMemoryStatsAsync(Period, cancellationToken: Token).GetAsyncEnumerator(Token);
        await SeenAsync(samples, Before);
        await guest.SuspendAsync(Token);
        Assert.Equal(DomainLifecycleChange.Suspended, Assert.IsType<DomainLifecycleEvent>(await NextAsync(events)).Change);

        await host.CutAsync(Token);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        int pause = 50;
        Task passing = PassAsync();
        await guest.ResumeAsync(Token);
        await guest.SetMemoryAsync(After, cancellationToken: Token);
        Assert.Equal(new EventsMissed(EventsMissedCause.ConnectionLost, null), await NextAsync(events));
        Assert.Contains("keepalive timeout", await log.HearAsync(120), StringComparison.Ordinal);

        // It is away for longer than one attempt to get there.
        Task seen = SeenAsync(samples, After);
        await Deadline.UntilAsync(Long, "attempts that failed", _ => Task.FromResult(log.Count(122) >= 2), Token);
        Assert.False(seen.IsCompleted);
        pause = 1000;
        await host.RestoreAsync(Token);
        await seen;

        // What happened meanwhile is not made up, and what happens from now on is told.
        Task<DomainEvent> next = NextAsync(events);
        await Deadline.UntilAsync(Long, "events again", async token =>
        {
            await guest.SuspendAsync(token);
            await guest.ResumeAsync(token);
            return next.IsCompleted;
        }, Token, Period);
        Assert.IsType<DomainLifecycleEvent>(await next);
        await end.CancelAsync();
        await passing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        async Task PassAsync()
        {
            while (true)
            {
                await Task.Delay(pause, end.Token);
                time.Advance(Second);
            }
        }
    }

    [Fact]
    public async Task Commands_that_the_cable_is_cut_under_go_on_and_say_for_how_long_nothing_was_seen()
    {
        await using OtherHost host = await OtherHost.StartAsync(Token);
        await using BallastDaemon daemon = await StartAsync(host);
        await using Connection local = await Connection.OpenAsync($"{daemon.Uri}&name=test:///default", cancellationToken: Token);
        Domain guest = await local.LookupByNameAsync("test", Token);
        await guest.SetMemoryAsync(Before, cancellationToken: Token);
        string[] keepalive = ["-k", "1", "-K", "3"];
        await using LiveRun watch = LiveRun.Start([.. keepalive, "-c", Uri(host, tls: true), "watch", "test", "--json", "--period", "1"], Token);
        await using LiveRun events = LiveRun.Start([.. keepalive, "-c", Uri(host, tls: false), "event", "test", "--all", "--loop"], Token);
        await watch.UntilAsync("sample", now => now.Lines.Length > 0, Token);
        await HearAsync(1);

        await host.CutAsync(Token);
        LiveRun[] both = [watch, events];
        foreach (LiveRun run in both)
            await run.UntilAsync("loss", now => now.Error.Contains(": internal error: connection closed due to keepalive timeout; trying to connect again\n", StringComparison.Ordinal), Token);
        await guest.SetMemoryAsync(After, cancellationToken: Token);
        (int samples, int heard) = (watch.Lines.Length, events.Lines.Length);
        await Task.Delay(3 * Second, Token);
        Assert.Equal((samples, heard), (watch.Lines.Length, events.Lines.Length));

        await host.RestoreAsync(Token);
        await watch.UntilAsync("sample again", now => now.Lines.Length > samples, Token);
        Assert.Contains($"\"actual\":{After},", watch.Lines[samples], StringComparison.Ordinal);
        await events.UntilAsync("warning", now => now.Error.Contains("warning: events are missing: the connection was lost\n", StringComparison.Ordinal), Token);
        await HearAsync(heard + 1);
        foreach (LiveRun run in both)
        {
            Assert.Contains(": connected again; nothing was seen for ", run.Error, StringComparison.Ordinal);
            Assert.Single(run.Error.Split('\n'), line => line.EndsWith("trying to connect again", StringComparison.Ordinal));
        }

        // Whoever has subscribed does not say so.
        Task HearAsync(int lines) => Deadline.UntilAsync(Long, "event", async token =>
        {
            await guest.SuspendAsync(token);
            await guest.ResumeAsync(token);
            return events.Lines.Length >= lines;
        }, Token, Period);
    }

    [Fact]
    public async Task Of_fifty_hosts_one_that_drops_everything_delays_none()
    {
        // Nobody moves the clock until the others have answered: so they wait for no deadline.
        FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
        await using OtherHost host = await OtherHost.StartAsync(Token);
        await using BallastDaemon daemon = await StartAsync(host);
        const int hosts = 50, silent = 7, secure = 5;
        await using ConnectionGroup group = new(
            Enumerable.Range(0, hosts).Select(i => i == silent ? $"test+tcp://{host.Silent}/default" : Uri(host, i % 10 == secure)),
            ConnectionOptions.Default with { TimeProvider = time });
        List<ConnectionAnswer<int>> answers = [];
        await foreach (ConnectionAnswer<int> answer in group.AskEachAsync(CountAsync, Token))
        {
            answers.Add(answer);
            if (answers.Count == hosts - 1)
                time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.All(answers[..^1], answer => Assert.Equal((1, null), (answer.Value, answer.Error)));
        Assert.Equal(group.Members[silent], answers[^1].Member);
        Assert.Equal((ErrorCode.OperationTimeout, $"Timed out during operation: test+tcp://{host.Silent}/default did not answer within 5 s"), (answers[^1].Error!.Code, answers[^1].Error!.Message));
    }

    [Fact]
    public async Task Of_fifty_hosts_one_whose_cable_is_cut_delays_none_and_is_back_with_it()
    {
        FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
        await using OtherHost host = await OtherHost.StartAsync(Token), other = await OtherHost.StartAsync(Token);
        await using BallastDaemon daemon = await StartAsync(host), its = await StartAsync(other);
        const int hosts = 50, cut = 30;
        await using ConnectionGroup group = new(
            Enumerable.Range(0, hosts).Select(i => Uri(i == cut ? other : host, tls: i == cut)), ConnectionOptions.Default with { TimeProvider = time });
        Assert.All(await group.AskAsync(CountAsync, Token), answer => Assert.Equal((1, null), (answer.Value, answer.Error)));

        await other.CutAsync(Token);
        List<ConnectionAnswer<int>> answers = [];
        await foreach (ConnectionAnswer<int> answer in group.AskEachAsync(CountAsync, Token))
        {
            answers.Add(answer);
            if (answers.Count == hosts - 1)
                time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.All(answers[..^1], answer => Assert.Equal((1, null), (answer.Value, answer.Error)));
        Assert.Equal((group.Members[cut], ErrorCode.OperationTimeout), (answers[^1].Member, answers[^1].Error?.Code));
        await other.RestoreAsync(Token);
        Assert.Equal((1, null), await AskAsync(group.Members[cut]));

        static async Task<(int, LibvirtException?)> AskAsync(ConnectionGroupMember member)
        {
            ConnectionAnswer<int> answer = await member.AskAsync(CountAsync, Token).AsTask().WaitAsync(Long, Token);
            return (answer.Value, answer.Error);
        }
    }

    [Fact]
    public async Task A_network_of_IPv6_is_one_client_to_the_log()
    {
        // Some lines more than those of one: the log gives them back with time.
        const int ofOne = 20, more = 60, most = ofOne + (more / 2);
        string[] one = [.. Enumerable.Range(1, ofOne + more).Select(i => $"fd00::{i:x}")];
        const string another = "fd00:0:0:1::1", why = "it speaks plain text";
        Assert.Single(one.Select(Counted).Distinct());
        Assert.NotEqual(Counted(one[0]), Counted(another));
        if (!Loopback.HasIPv6)
        {
            TestContext.Current.TestOutputHelper?.WriteLine("This kernel has no IPv6: what the daemon counts by was looked at, not its log.");
            return;
        }

        await using OtherHost host = await OtherHost.StartAsync(Token);
        _ = await host.RunThereAsync(["sh", "-ec", "for address; do ip -6 address add $address/128 dev lo nodad; done", "sh", .. one, another], Token);
        await using BallastDaemon daemon = await BallastDaemon.StartThroughAsync(host.Entrance, Token, "--tls", $"[::]:{TlsPort}", "--pki", _pki.Path);
        await host.RunThereAsync(["python3", "-c", Strangers, $"{TlsPort}", .. one, another], Token);
        await daemon.LogsAsync($"Client [{another}]:", Token);
        string[] lines = daemon.Errors.Split('\n');
        Assert.InRange(lines.Count(line => line.Contains(why, StringComparison.Ordinal)), ofOne + 1, most);
        Assert.Contains(lines, line => line.Contains("lines about changes were left out", StringComparison.Ordinal));

        static IPAddress? Counted(string address) => ClientOwner.Of(IPAddress.Parse(address)).Address;
    }

    private static string Uri(OtherHost host, bool tls, string pki) => tls ? $"test+tls://{host.Address}/default?pkipath={pki}" : $"test+tcp://{host.Address}/default";

    private static async ValueTask<int> CountAsync(Connection connection, CancellationToken token) => (await connection.ListDomainsAsync(cancellationToken: token)).Count;

    private static async Task<DomainEvent> NextAsync(IAsyncEnumerator<DomainEvent> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Long, Token));
        return events.Current;
    }

    // Until the balloon has that size in a sample.
    private static Task SeenAsync(IAsyncEnumerator<DomainMemorySample> samples, ulong size) => Deadline.WithinAsync(Long, $"sample of {size} KiB", async _ =>
    {
        while (await samples.MoveNextAsync())
        {
            if (samples.Current.Stats.ActualKiB == size)
                return;
        }

        Assert.Fail("The watch has ended.");
    }, Token);

    private string Uri(OtherHost host, bool tls) => Uri(host, tls, _pki.Path);

    private async Task<Connection> OpenAsync(OtherHost host, bool tls, ConnectionOptions options) => await Connection.OpenAsync(Uri(host, tls), options, Token);

    private async Task<BallastDaemon> StartAsync(OtherHost host)
    {
        _pki.Write("server", hosts: $"{host.Address}").Dispose();
        return await BallastDaemon.StartThroughAsync(
            host.Entrance, Token, "--tcp", $"{host.Address}:{TcpPort}", "--tcp-anywhere", "--tcp-write", "--tls", $"{host.Address}:{TlsPort}", "--pki", _pki.Path);
    }
}
