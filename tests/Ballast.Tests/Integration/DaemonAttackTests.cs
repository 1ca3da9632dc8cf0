using System.Net.Sockets;
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

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hostile_clients_cost_a_healthy_one_nothing_and_leave_nothing_behind()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        await using Connection healthy = await Connection.OpenAsync(daemon.Uri, new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        Domain domain = Assert.Single(await healthy.ListDomainsAsync(cancellationToken: Token));
        MemoryStat[] stats = new MemoryStat[13];
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        int calls = 0;
        Task working = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.True(await domain.GetMemoryStatsAsync(stats, cancellationToken: Token) >= 3);
                Interlocked.Increment(ref calls);
                await Task.Delay(1, Token);
            }
        }, Token);
        await WarmUpAsync(daemon);
        (int Sockets, long Memory) before = Look(daemon.Pid);

        await IdleClientsAsync(daemon, 1000);
        await StoppedInTheHeaderAsync(daemon, 100);
        await SpoiledFramesAsync(daemon);
        await NeverReadsAsync(daemon, guest);
        int callsBefore = Volatile.Read(ref calls);
        await Deadline.UntilAsync(Deadline.Default, "further calls of the healthy client", _ => Task.FromResult(Volatile.Read(ref calls) > callsBefore + 10), Token);

        await stop.CancelAsync();
        await working;
        const long noise = 48L << 20;
        (int Sockets, long Memory) after = default;
        try
        {
            await Deadline.UntilAsync(Deadline.Default, "sockets and memory to be back", _ =>
            {
                after = Look(daemon.Pid);
                return Task.FromResult(after.Sockets <= before.Sockets && after.Memory < before.Memory + noise);
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
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        File.SetUnixFileMode(Path.GetDirectoryName(daemon.SocketPath)!, (UnixFileMode)0x1ED);
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
    public async Task A_stopped_QEMU_costs_its_own_callers_a_deadline_and_nobody_else_anything()
    {
        await using GuestCrowd crowd = await GuestCrowd.StartAsync(3, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", crowd.DirectoryPath);
        await using Connection connection = await Connection.OpenAsync(daemon.Uri, new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(3, domains.Count);
        await crowd.Guests[0].Process.StopAsync(Token);
        Domain stuck = domains.Single(domain => domain.Id == crowd.Guests[0].Pid), well = domains.First(domain => domain.Id != crowd.Guests[0].Pid);
        MemoryStat[] stats = new MemoryStat[13];
        Task<int>[] callers = [.. Enumerable.Range(0, 25).Select(_ => stuck.GetMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token).AsTask())];
        for (int i = 0; i < 20; i++)
            Assert.Equal(13, await well.GetMemoryStatsAsync(stats, cancellationToken: Token));
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

    private static (int Sockets, long Memory) Look(int pid)
    {
        int sockets = Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
            .Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
        const int resident = 1;
        return (sockets, long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[resident], System.Globalization.CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }
}
