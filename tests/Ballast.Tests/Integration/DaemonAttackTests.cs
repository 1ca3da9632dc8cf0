using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>Clients that mean no good, and one that does: it never sees an error, and the daemon is as before.</summary>
[Trait("needs", "qemu")]
[Trait("speed", "slow")]
public sealed class DaemonAttackTests
{
    private const uint Nobody = 65534;

    /// <summary>Connects so often, and has not more than some of them open.</summary>
    private const string Burst =
        """
        import socket, sys, time
        path, count, end, held = sys.argv[1], int(sys.argv[2]), time.time() + 60, []
        for number in range(count):
            while True:
                client = socket.socket(socket.AF_UNIX)
                client.setblocking(False)
                try:
                    client.connect(path)
                    break
                except BlockingIOError:
                    client.close()
                    if time.time() > end:
                        sys.exit(f"only {number} were taken")
                    time.sleep(0.001)
            held.append(client)
            if number % 3 == 0:
                try:
                    client.send(b"\0\0\0\x1c\x20\0"[: number % 7])
                except OSError:
                    pass
            if len(held) > 256:
                held.pop(0).close()
        """;

    /// <summary>Connects so often, and then is silent for a minute at most.</summary>
    private const string Silence =
        """
        import socket, sys, time
        held = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]))]
        for client in held:
            client.connect(sys.argv[1])
        print("connected", file=sys.stderr, flush=True)
        time.sleep(60)
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hostile_clients_cost_a_healthy_one_nothing_and_leave_nothing_behind()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        await using Connection healthy = await Connection.OpenAsync(daemon.Uri, new ConnectionOptions { DaemonTimeout = TimeSpan.FromSeconds(20) }, Token);
        Domain domain = Assert.Single(await healthy.ListDomainsAsync(cancellationToken: Token));
        MemoryStat[] stats = new MemoryStat[13];
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        int calls = 0;
        Task working = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.True(await domain.FillMemoryStatsAsync(stats, cancellationToken: Token) >= 3);
                Interlocked.Increment(ref calls);
                await Task.Delay(1, Token);
            }
        }, Token);
        await WarmUpAsync(daemon);
        (int Sockets, int Threads, long Memory) before = Look(daemon.Pid);

        await IdleClientsAsync(daemon, 1000);
        await StoppedInTheHeaderAsync(daemon, 100);
        await SpoiledFramesAsync(daemon);
        await NeverReadsAsync(daemon, guest);
        CommandResult burst = await ChildProcess.RunAsync(
            "/usr/bin/python3", ["-c", Burst, daemon.ReadOnlySocketPath, "10000"], deadline: TimeSpan.FromMinutes(2), cancellationToken: Token);
        Assert.Equal((0, ""), (burst.ExitCode, burst.Errors));
        await WarmUpAsync(daemon);
        int callsBefore = Volatile.Read(ref calls);
        await Deadline.UntilAsync(Deadline.Default, "further calls of the healthy client", _ => Task.FromResult(Volatile.Read(ref calls) > callsBefore + 10), Token);

        await stop.CancelAsync();
        await working;
        const long noise = 16L << 20;
        const int poolThreads = 8;
        (int Sockets, int Threads, long Memory) after = default;
        try
        {
            await Deadline.UntilAsync(Deadline.Default, "sockets and memory to be back", _ =>
            {
                after = Look(daemon.Pid);
                return Task.FromResult(after.Sockets <= before.Sockets && after.Threads <= before.Threads + poolThreads && after.Memory < before.Memory + noise);
            }, Token);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"before {before}, after {after}");
        }

        Assert.DoesNotContain("fail", daemon.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, await daemon.TerminateAsync(Token));
        Assert.False(File.Exists(daemon.SocketPath));
    }

    [Fact]
    public async Task Only_root_its_own_user_and_the_group_may_change_something_and_everybody_may_read()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath, "--group", "65534");
        PrivateDirectory.ToEverybody(Path.GetDirectoryName(daemon.SocketPath)!);
        CommandResult read = await AsAsync(Nobody, 1000, "-c", daemon.ReadOnlyUri, "list", "--name");
        Assert.Equal((0, "guest", ""), (read.ExitCode, read.Output.Trim(), read.Errors));
        CommandResult refused = await AsAsync(Nobody, 1000, "-c", daemon.Uri, "list");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Permission denied", refused.Errors, StringComparison.Ordinal);
        CommandResult member = await AsAsync(Nobody, Nobody, "-c", daemon.Uri, "dommemstat", "guest", "--period", "3");
        Assert.Equal((0, ""), (member.ExitCode, member.Errors));
        CommandResult write = await AsAsync(Nobody, 1000, "-c", daemon.ReadOnlyUri, "dommemstat", "guest", "--period", "3");
        Assert.Contains("read only access prevents virDomainSetMemoryStatsPeriod", write.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_whose_clients_are_silent_keeps_no_other_user_waiting_and_leaves_room_for_those_who_may_change_something()
    {
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("conf"), "max_clients = 300\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", directory.Path, "--config", directory.File("conf"));
        PrivateDirectory.ToEverybody(Path.GetDirectoryName(daemon.SocketPath)!);
        await using ChildProcess silent = await ChildProcess.StartAsync(
            "setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "/usr/bin/python3", "-c", Silence, daemon.ReadOnlySocketPath, "400"]);
        await Deadline.UntilAsync(Deadline.Default, "four hundred clients", _ => Task.FromResult(silent.Errors.Contains("connected", StringComparison.Ordinal)), Token);

        // One after the other, they would take minutes to be given up.
        foreach (string path in (string[])[daemon.SocketPath, daemon.ReadOnlySocketPath])
        {
            for (int i = 0; i < 25; i++)
                (await RawClient.ConnectAsync(path, open: "qemu:///system")).Dispose();
        }

        Assert.Contains("(max_clients)", daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_a_place_waits_a_moment_for_one_so_that_those_who_come_again_at_once_cost_little()
    {
        const int most = 10;
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("conf"), $"max_clients = {most}\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", directory.Path, "--config", directory.File("conf"));
        List<RawClient> clients = [];
        while (clients.Count < most)
            clients.Add(await RawClient.ConnectAsync(daemon.SocketPath, open: "qemu:///system"));

        long began = Stopwatch.GetTimestamp();
        Assert.Null(await TryConnectAsync(daemon.SocketPath));
        Assert.True(Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(1.5));

        Task<RawClient?> waiting = TryConnectAsync(daemon.SocketPath);
        await Task.Delay(TimeSpan.FromSeconds(0.5), Token);
        Assert.False(waiting.IsCompleted);
        clients[0].Dispose();
        clients[0] = Assert.IsType<RawClient>(await waiting);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task More_clients_than_files_are_refused_and_the_others_are_served()
    {
        using PrivateDirectory directory = new();
        await using BallastDaemon daemon = await BallastDaemon.StartThroughAsync(["prlimit", "--nofile=64:200"], Token, "--qmp", directory.Path);
        Match said = Regex.Match(daemon.Errors, "leaves room for ([0-9]+) clients, not 5000");
        Assert.True(said.Success, daemon.Errors);
        int room = int.Parse(said.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        Assert.InRange(room, 50, 200);

        // Readers leave room for those who may change something.
        List<RawClient> clients = [];
        while (await TryConnectAsync(daemon.ReadOnlySocketPath) is { } reader)
            clients.Add(reader);
        Assert.InRange(clients.Count, room / 2, room);
        while (await TryConnectAsync(daemon.SocketPath) is { } client)
            clients.Add(client);
        Assert.InRange(clients.Count, room - 10, room + 10);
        await Deadline.UntilAsync(
            Deadline.Default, "a line", _ => Task.FromResult(daemon.Errors.Contains("Further clients are refused: of 200 files", StringComparison.Ordinal)), Token);
        for (int i = 0; i < 20; i++)
        {
            using RawClient refused = await RawClient.ConnectAsync(daemon.SocketPath, authenticate: false);
            await refused.EndAsync();
        }

        foreach (RawClient client in clients)
        {
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectNumOfDomains, "")).Header.Status);
            client.Dispose();
        }

        // Their places are free again, by and by.
        await Deadline.UntilAsync(Deadline.Default, "a place", async _ =>
        {
            using RawClient? client = await TryConnectAsync(daemon.SocketPath);
            return client is not null;
        }, Token);
        Assert.DoesNotContain("A fault of ballastd", daemon.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Too many open files", daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_may_open_too_few_files_says_so_and_does_not_start()
    {
        CommandResult result = await ChildProcess.RunAsync(
            "prlimit", ["--nofile=40", BallastDaemon.Program, "--config", "/dev/null", "--check"], cancellationToken: Token);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("The limit of open files is 40", result.Errors, StringComparison.Ordinal);
    }

    private static async Task<RawClient?> TryConnectAsync(string path)
    {
        try
        {
            return await RawClient.ConnectAsync(path, open: "qemu:///system");
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return null;
        }
    }

    [Fact]
    public async Task Clients_that_are_given_up_lose_their_sockets_though_they_keep_their_ends()
    {
        const int count = 100, asked = 2000, kept = 64;
        using PrivateDirectory directory = new();
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", directory.Path);
        int before = Look(daemon.Pid).Sockets;
        byte[] calls = new byte[asked * RpcHeader.FrameOverhead];
        for (int i = 0; i < asked; i++)
        {
            new RpcHeader(RpcPrograms.Remote, 1, (int)RemoteProcedure.ConnectGetCapabilities, RpcType.Call, (uint)i, RpcStatus.Ok)
                .Write(calls.AsSpan(i * RpcHeader.FrameOverhead), 0);
        }

        List<RawClient> clients = [];
        List<Task> sending = [];
        for (int i = 0; i < count; i++)
        {
            clients.Add(await RawClient.ConnectAsync(daemon.ReadOnlySocketPath));
            sending.Add(clients[i].SendRawAsync(calls));
        }

        await Deadline.UntilAsync(Deadline.Default, "closed sockets", _ => Task.FromResult(Look(daemon.Pid).Sockets <= before + kept), Token);

        // Nor do those that are still waited for keep it from ending.
        long told = Environment.TickCount64;
        Assert.Equal(0, await daemon.TerminateAsync(Token));
        Assert.InRange(Environment.TickCount64 - told, 0, 1500);
        foreach (RawClient client in clients)
            client.Dispose();
        await Task.WhenAll(sending).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    [Fact]
    public async Task A_stopped_QEMU_costs_its_own_callers_a_deadline_and_nobody_else_anything()
    {
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(3, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", crowd.DirectoryPath);
        await using Connection connection = await Connection.OpenAsync(daemon.Uri, new ConnectionOptions { DaemonTimeout = TimeSpan.FromSeconds(20) }, Token);
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(3, domains.Count);
        await crowd.Guests[0].Process.StopAsync(Token);
        Domain stuck = domains.Single(domain => domain.Id == crowd.Guests[0].Pid), well = domains.First(domain => domain.Id != crowd.Guests[0].Pid);
        MemoryStat[] stats = new MemoryStat[13];
        Task<int>[] callers = [.. Enumerable.Range(0, 25).Select(_ => stuck.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token).AsTask())];
        for (int i = 0; i < 20; i++)
            Assert.Equal(13, await well.FillMemoryStatsAsync(stats, cancellationToken: Token));
        Assert.All(callers, caller => Assert.False(caller.IsCompletedSuccessfully));
        foreach (Task<int> caller in callers)
            Assert.Equal(ErrorCode.OperationTimeout, (await Assert.ThrowsAsync<LibvirtException>(() => caller)).Code);
        Assert.Equal(3, (await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Count);
        crowd.Guests[0].Process.Continue();
    }

    private static async Task WarmUpAsync(BallastDaemon daemon)
    {
        for (int i = 0; i < 50; i++)
            (await RawClient.ConnectAsync(daemon.SocketPath, open: "qemu:///system")).Dispose();
    }

    private static async Task IdleClientsAsync(BallastDaemon daemon, int count)
    {
        List<RawClient> clients = [];
        for (int i = 0; i < count; i++)
            clients.Add(await RawClient.ConnectAsync(daemon.SocketPath, open: "qemu:///system"));
        foreach (RawClient client in clients)
            client.Dispose();
    }

    private static async Task StoppedInTheHeaderAsync(BallastDaemon daemon, int count)
    {
        List<RawClient> clients = [];
        for (int i = 0; i < count; i++)
        {
            RawClient client = await RawClient.ConnectAsync(daemon.SocketPath, authenticate: false);
            await client.SendRawAsync([0, 0, 0]);
            clients.Add(client);
        }

        foreach (RawClient client in clients)
            client.Dispose();
    }

    private static async Task SpoiledFramesAsync(BallastDaemon daemon)
    {
        Random random = new(4711);
        for (int i = 0; i < 300; i++)
        {
            using RawClient client = await RawClient.ConnectAsync(daemon.SocketPath, authenticate: i % 3 != 0, open: i % 2 == 0 ? "qemu:///system" : null);
            byte[] payload = GoldenFrame.All[random.Next(GoldenFrame.All.Count)].Payload;
            byte[] frame = new byte[RpcHeader.FrameOverhead + payload.Length];
            new RpcHeader(RpcPrograms.Remote, 1, random.Next(450), RpcType.Call, (uint)i, RpcStatus.Ok).Write(frame, payload.Length);
            payload.CopyTo(frame, RpcHeader.FrameOverhead);

            // The name of the procedure stays what it was: none of the spoiled frames shall end the guest.
            const int procedure = 12, behind = 16;
            for (int spoiled = 0; spoiled < 3; spoiled++)
            {
                int at = random.Next(frame.Length);
                if (at is < procedure or >= behind)
                    frame[at] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                await client.SendRawAsync(frame[..random.Next(1, frame.Length + 1)]);
            }
            catch (SocketException)
            {
                // Closed already.
            }
        }
    }

    private static async Task NeverReadsAsync(BallastDaemon daemon, DrivenGuest guest)
    {
        using RawClient client = await RawClient.ConnectAsync(daemon.SocketPath, open: "qemu:///system");
        string asking = "0000000000000000" + "00000000";
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            for (uint i = 0; i < 20_000; i++)
            {
                await client.SendAsync(new RpcHeader(RpcPrograms.Remote, 1, (int)RemoteProcedure.ConnectGetAllDomainStats, RpcType.Call, i, RpcStatus.Ok), asking)
                    .WaitAsync(limit.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // It is not read from any more, as it should be.
        }

        Assert.False(guest.Process.HasExited);
    }

    private static Task<CommandResult> AsAsync(uint uid, uint gid, params string[] arguments) => ChildProcess.RunAsync(
        "setpriv", [$"--reuid={uid}", $"--regid={gid}", "--clear-groups", "virsh", "-q", .. arguments],
        new Dictionary<string, string> { ["LC_ALL"] = "C", ["HOME"] = "/nonexistent", ["XDG_RUNTIME_DIR"] = "/tmp" }, cancellationToken: Token);

    private static (int Sockets, int Threads, long Memory) Look(int pid)
    {
        int sockets = Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
            .Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
        const int resident = 1;
        return (sockets, Directory.EnumerateDirectories($"/proc/{pid}/task").Count(), long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[resident], System.Globalization.CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }
}
