using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>ballastd under a service manager: sockets that it is passed, what it says of itself, and the watchdog.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class SystemdTests
{
    private const int HangUp = 1, Terminate = 15;

    // Keeps the named threads of a process from running until it is killed.
    private const string Freezer =
        """
        import ctypes, os, sys, time
        libc = ctypes.CDLL(None, use_errno=True)
        pid, name = sys.argv[1], sys.argv[2]
        threads = [int(each) for each in os.listdir(f"/proc/{pid}/task") if open(f"/proc/{pid}/task/{each}/comm").read().strip() == name]
        assert threads, f"no thread is called {name}"
        for thread in threads:
            for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
                assert libc.ptrace(request, thread, 0, 0) == 0, os.strerror(ctypes.get_errno())
        print("frozen", file=sys.stderr, flush=True)
        time.sleep(600)
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Passed_sockets_are_told_by_their_names_and_stay_what_they_are()
    {
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync("readonly:readwrite", "first,second");
        _ = await manager.HearAsync("READY=1", Token);
        await manager.LogsAsync($"listens on {manager.Socket("first")} and {manager.Socket("second")}, passed by systemd", Token);

        await using (Connection reader = await manager.OpenAsync("first", Token, "test:///default"))
        {
            Domain guest = await reader.LookupByNameAsync("test", Token);
            Assert.Equal(ErrorCode.OperationDenied, (await Assert.ThrowsAsync<LibvirtException>(async () => await guest.SuspendAsync(Token))).Code);
        }

        await using (Connection writer = await manager.OpenAsync("second", Token, "test:///default"))
            await (await writer.LookupByNameAsync("test", Token)).SuspendAsync(Token);

        ChildProcess.Terminate(manager.Pid);
        Assert.Equal(0, await manager.EndAsync(Token));
        Assert.True(File.Exists(manager.Socket("first")) && File.Exists(manager.Socket("second")));
        Assert.False(File.Exists(manager.Socket("second") + ".lock"));
    }

    [Theory]
    [InlineData("readwrite")]
    [InlineData("readonly")]
    public async Task Only_what_was_passed_is_listened_on(string name)
    {
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync(name, "only", "--socket", manager.Socket("own"), "--group", "4");
        _ = await manager.HearAsync("READY=1", Token);
        await using Connection client = await manager.OpenAsync("only", Token);
        _ = await client.ListDomainsAsync(cancellationToken: Token);
        Assert.False(File.Exists(manager.Socket("own")) || File.Exists(manager.Socket("own-ro")));
        await manager.LogsAsync("systemd passed the sockets, so socket, socket_ro and libvirt_paths do nothing", Token);
    }

    [Theory]
    [InlineData("readwrite:other", "a,b", "a socket named 'other' was passed: FileDescriptorName= can be readwrite, readonly, tcp or tls")]
    [InlineData("readwrite:readwrite", "a,b", "two sockets named readwrite were passed")]
    [InlineData("readwrite", "a,b", "2 sockets were passed and 1 names")]
    [InlineData("readwrite", "file", "descriptor 3 (readwrite) is not a Unix stream socket that listens")]
    [InlineData("readwrite", "datagram", "descriptor 3 (readwrite) is not a Unix stream socket that listens")]
    [InlineData("readwrite", "port", "descriptor 3 (readwrite) is not a Unix stream socket that listens")]
    [InlineData("tls", "path", "descriptor 3 (tls) is not a TCP socket that listens")]
    [InlineData("tls:tls", "port1,port2", "two sockets named tls were passed")]
    [InlineData("readwrite:tls", "path,port", "tls: ")]
    [InlineData("readonly", "bound", "descriptor 3 (readonly) is not a Unix stream socket that listens")]
    public async Task What_cannot_be_served_on_is_refused(string names, string kinds, string why)
    {
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync(names, kinds);
        Assert.Equal(2, await manager.EndAsync(Token));
        await manager.LogsAsync($"ballastd: {why}", Token);
        Assert.DoesNotContain(manager.Heard(), said => said.Contains("READY=1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sockets_of_another_process_are_none_of_ours()
    {
        using PrivateDirectory directory = new();
        await using ChildProcess daemon = await ChildProcess.StartAsync(
            BallastDaemon.Program,
            ["--config", "/dev/null", "--socket", directory.File("own"), .. ExclusiveCollection.WithoutOthers([])],
            new Dictionary<string, string> { ["LISTEN_PID"] = "1", ["LISTEN_FDS"] = "2", ["LISTEN_FDNAMES"] = "readwrite:readonly" });
        await DaemonRun.ForAsync(daemon, $"listens on {directory.File("own")} and ", Token);
    }

    [Fact]
    public async Task A_client_that_waits_gets_the_next_daemon()
    {
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync("readwrite:readonly", "rw,ro");
        _ = await manager.HearAsync("READY=1", Token);
        int first = manager.Pid;
        await using Connection before = await manager.OpenAsync("rw", Token);
        ChildProcess.Terminate(first);
        Assert.Equal(0, await manager.EndAsync(Token));
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await before.ListDomainsAsync(cancellationToken: Token));

        // More than one, on both, and none of them may be turned away.
        Task<Connection>[] waiting = [.. Enumerable.Range(0, 20).Select(i => manager.OpenAsync(i % 2 == 0 ? "rw" : "ro", Token))];
        await Deadline.UntilAsync(Deadline.Default, "clients that wait", _ => Task.FromResult(UnixSocket.Count(manager.Socket("rw")) > 10 && UnixSocket.Count(manager.Socket("ro")) > 10), Token);
        Assert.All(waiting, client => Assert.False(client.IsCompleted));
        manager.StartNext();
        foreach (Task<Connection> client in waiting)
        {
            await using Connection opened = await client;
            _ = await opened.ListDomainsAsync(cancellationToken: Token);
        }

        Assert.NotEqual(first, manager.Pid);
    }

    [Fact]
    public async Task Clients_of_other_hosts_wait_for_the_next_daemon_too()
    {
        using TestPki pki = TestPki.Create();
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync("readwrite:tcp:tls", "rw,port1,port2", "--pki", pki.Path, "--tls", "127.0.0.1:1");
        _ = await manager.HearAsync("READY=1", Token);
        await manager.LogsAsync($"listens on {manager.Socket("rw")}, passed by systemd, TCP 127.0.0.1:{manager.Port("port1")}, TLS 127.0.0.1:{manager.Port("port2")}", Token);
        await manager.LogsAsync("so the address in tcp or tls does nothing", Token);
        string[] uris =
        [
            $"qemu+tcp://127.0.0.1:{manager.Port("port1")}/system",
            $"qemu+tls://localhost:{manager.Port("port2")}/system?pkipath={pki.Path}",
        ];
        foreach (string uri in uris)
        {
            await using Connection client = await Connection.OpenAsync(uri, cancellationToken: Token);
            _ = await client.ListDomainsAsync(cancellationToken: Token);
        }

        ChildProcess.Terminate(manager.Pid);
        Assert.Equal(0, await manager.EndAsync(Token));
        Task<Connection>[] waiting = [.. uris.Select(uri => Connection.OpenAsync(uri, cancellationToken: Token).AsTask())];
        await Task.Delay(200, Token);
        Assert.All(waiting, client => Assert.False(client.IsCompleted));
        manager.StartNext();
        foreach (Task<Connection> client in waiting)
        {
            await using Connection opened = await client;
            _ = await opened.ListDomainsAsync(cancellationToken: Token);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_says_when_it_serves_what_it_does_when_it_reloads_and_when_it_stops(bool isAbstract)
    {
        await using ServiceManagerStandIn manager = new(isAbstract);
        await manager.StartAsync("readwrite:readonly", "rw,ro");
        Assert.Matches("^READY=1\nSTATUS=[0-9]+ guests, 0 clients$", await manager.HearAsync(Token));

        await using (await manager.OpenAsync("rw", Token))
        await using (await manager.OpenAsync("ro", Token))
            _ = await manager.HearAsync(", 2 clients", Token);
        _ = await manager.HearAsync(", 0 clients", Token);

        long before = Microseconds();
        Signal(manager.Pid, HangUp);
        string reloading = await manager.HearAsync("RELOADING=1", Token);
        Match time = Regex.Match(reloading, "^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$");
        Assert.True(time.Success, reloading);
        Assert.InRange(long.Parse(time.Groups[1].Value, CultureInfo.InvariantCulture), before, Microseconds());
        Assert.Equal("READY=1", await manager.HearAsync(Token));

        Signal(manager.Pid, Terminate);
        Assert.Equal("STOPPING=1\nSTATUS=Stopping", await manager.HearAsync("STOPPING=1", Token));
        Assert.Equal(0, await manager.EndAsync(Token));
    }

    [Fact]
    public async Task Rules_hold_for_those_who_come_after_a_reload_was_answered_and_for_nobody_before()
    {
        using PrivateDirectory directory = new();
        using HeldPort port = new();
        string config = directory.File("ballastd.conf");
        await File.WriteAllTextAsync(config, "", Token);
        await using ServiceManagerStandIn manager = new();
        await manager.StartAsync("readwrite:readonly", "rw,ro", "--config", config, "--tcp", $"127.0.0.1:{port.Port}");
        _ = await manager.HearAsync("READY=1", Token);

        // Often: an answer before its time would be seen by few of those who come at once.
        for (int i = 0; i < 30; i++)
        {
            bool mayChange = i % 2 == 0;
            await using Connection before = await OpenTcpAsync();
            await File.WriteAllTextAsync(config, mayChange ? "tcp_write = 1\n" : "", Token);
            Signal(manager.Pid, HangUp);
            _ = await manager.HearAsync("RELOADING=1", Token);
            _ = await manager.HearAsync("READY=1", Token);
            await using Connection after = await OpenTcpAsync();
            Assert.Equal((!mayChange, mayChange), (await MayChangeAsync(before), await MayChangeAsync(after)));
        }

        async Task<Connection> OpenTcpAsync() => await Connection.OpenAsync($"test+tcp://127.0.0.1:{port.Port}/default", cancellationToken: Token);

        static async Task<bool> MayChangeAsync(Connection connection)
        {
            Domain guest = await connection.LookupByNameAsync("test", Token);
            try
            {
                await guest.SetMemoryAsync(1_000_000, cancellationToken: Token);
                return true;
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.OperationDenied)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData("Ballast clients")]
    [InlineData("Ballast sockets")]
    public async Task The_watchdog_hears_of_a_daemon_only_as_long_as_it_answers(string threads)
    {
        await using ServiceManagerStandIn manager = new();
        manager.Environment["WATCHDOG_USEC"] = "3000000";
        await manager.StartAsync("readwrite:readonly", "rw,ro");
        _ = await manager.HearAsync("WATCHDOG=1", Token);
        _ = await manager.HearAsync("WATCHDOG=1", Token);

        await using (ChildProcess freezer = await ChildProcess.StartAsync("python3", ["-c", Freezer, manager.Pid.ToString(CultureInfo.InvariantCulture), threads]))
        {
            await Deadline.UntilAsync(Deadline.Default, "frozen threads", _ => Task.FromResult(freezer.HasExited || freezer.Errors.Contains("frozen", StringComparison.Ordinal)), Token);
            Assert.False(freezer.HasExited, freezer.Errors);
            _ = manager.Heard();
            await DaemonLogAsync(manager, "does not answer its own question");
            await DaemonLogAsync(manager, "does not answer its own question", times: 3);
            Assert.DoesNotContain("WATCHDOG=1", manager.Heard());
        }

        _ = await manager.HearAsync("WATCHDOG=1", Token);
    }

    [Fact]
    public async Task A_watchdog_without_patience_hears_of_the_daemon_too()
    {
        await using ServiceManagerStandIn manager = new();
        manager.Environment["WATCHDOG_USEC"] = "2000";
        await manager.StartAsync("readwrite:readonly", "rw,ro");
        _ = await manager.HearAsync("WATCHDOG=1", Token);
    }

    [Fact]
    public async Task A_watchdog_of_another_process_is_not_ours()
    {
        await using ServiceManagerStandIn manager = new();
        manager.Environment["WATCHDOG_USEC"] = "300000";
        manager.Environment["WATCHDOG_PID"] = "1";
        await manager.StartAsync("readwrite:readonly", "rw,ro");
        _ = await manager.HearAsync("READY=1", Token);
        await using (await manager.OpenAsync("rw", Token))
            _ = await manager.HearAsync(", 1 clients", Token);
        string said = await manager.HearAsync(Token);
        Assert.StartsWith("STATUS=", said);
    }

    private static long Microseconds() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    private static void Signal(int pid, int signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static Task DaemonLogAsync(ServiceManagerStandIn manager, string text, int times = 1) => Deadline.UntilAsync(
        Deadline.Default, $"'{text}' in the log of ballastd", _ => Task.FromResult(manager.Errors.Split(text).Length > times), Token);
}
