using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>
/// Daemons over ssh, TCP and TLS, over libvirt's C library, on loopback. The least is a loop in C that is reached the same way; both
/// daemons and it have the same certificates, and ssh leads to all by the same sshd and nc.
/// </summary>
internal static class RemoteComparison
{
    private const int Domains = 20, Connections = 16, RoundCount = 20, CallsPerRound = 100, OpensPerRound = 5;
    private const double MostOfOpening = 1.0, LeastCalls = 1.5;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(300), EndOfPrograms = TimeSpan.FromMilliseconds(300);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:remote", "Clients over ssh, TCP and TLS, ballastd beside libvirtd, libvirt's C library");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        using TestPki pki = TestPki.Create();
        using HeldPort theirTcp = new(), theirTls = new(), ourTcp = new(), ourTls = new(), floorTcp = new(), floorTls = new();
        await using SshServer ssh = await SshServer.StartAsync();
        ssh.Link("sh", "grep", "id", "which", "nc");
        await using FloorServer floor = await FloorServer.StartAsync(floorTcp.Port, floorTls.Port, pki.Path);
        await using DaemonPair pair = await DaemonPair.StartAsync(
            Domains, new NetworkPorts(theirTcp.Port, theirTls.Port, ourTcp.Port, ourTls.Port, pki.Path));
        await pair.SettleAsync();
        await MeasureAsync(report, "TCP", Tcp(theirTcp), Tcp(ourTcp), Tcp(floorTcp), OpensPerRound);
        await MeasureAsync(report, "TLS", Tls(theirTls), Tls(ourTls), Tls(floorTls), OpensPerRound);
        report.Note("Where the time to open goes, as far as it is known, is in docs/decisions.md. The loop in C starts a thread for each client, which a busy machine may delay.");

        // Each starts two programs here and three there.
        await MeasureAsync(report, "ssh", Ssh(pair.LibvirtdSocket), Ssh(pair.OurSocket), Ssh(floor.SocketPath), opens: 1);
        report.Note("Over ssh, the loop in C is hardly better: ssh, sshd and nc take the rest.");

        string Tcp(HeldPort port) => $"qemu+tcp://localhost:{port.Port}/system";
        string Tls(HeldPort port) => $"qemu+tls://localhost:{port.Port}/system?pkipath={pki.Path}";
        string Ssh(string socket) => ssh.Uri(socket, "&proxy=netcat");
    }

    private static async Task MeasureAsync(Report report, string way, string theirs, string ours, string least, int opens)
    {
        Daemon[] daemons = [new("libvirtd", theirs, 0), new("ballastd", ours, 0), new("a loop in C", least, 0)];
        bool startsPrograms = way == "ssh";
        int rounds = startsPrograms ? RoundCount / 2 : RoundCount;
        Samples[] opening = await Rounds.RunAsync(RoundCount, [.. daemons.Select(daemon => (daemon.Name, (Func<Task<double>>)(async () =>
        {
            // The programs of the one before, always the same, end meanwhile.
            if (startsPrograms)
                await Task.Delay(EndOfPrograms);
            return Samples.MedianOf([.. Enumerable.Range(0, opens).Select(_ => LibvirtClient.TimeToOpen(daemon.Uri))]) / 1000;
        })))]);
        report.Table($"{way}: to open a connection", "ms", opening);
        report.Limit($"to open a connection over {way}", opening[1].RatioTo(opening[0]).Median, MostOfOpening);

        await CompareAsync($"{way}: one connection, median call of a round (the protocol alone)", new Goal("µs", LeastCalls), daemons, 1,
            clients => Pace.MedianAsync(CallsPerRound, clients[0].GetLibraryVersionAsync));
        await CompareAsync($"{way}: {Connections} connections (the protocol alone)", new Goal("calls/s", LeastCalls), daemons, Connections,
            clients => Pace.RateAsync(RoundTime, [.. clients.Select(client => (Func<ValueTask>)client.GetLibraryVersionAsync)]));
        await CompareAsync($"{way}: one domain's statistics, median call of a round", new Goal("µs", LeastCalls), daemons[..2], 1,
            clients => Pace.MedianAsync(CallsPerRound / 5, async () => _ = await clients[0].GetMemoryStatsAsync()));
        await CompareAsync($"{way}: balloon statistics of {Domains} domains in one call", new Goal("ms", LeastCalls), daemons[..2], 1,
            async clients => await Pace.MedianAsync(1, async () => Require(await clients[0].CountBalloonStatsAsync())) / 1000);

        async Task CompareAsync(string what, Goal goal, Daemon[] sides, int count, Func<IDaemonClient[], Task<double>> measure)
        {
            List<IDaemonClient[]> clients = [];
            foreach (Daemon daemon in sides)
                clients.Add(await daemon.OpenManyAsync(ClientKind.CLibrary, count));
            Samples[] samples = await Rounds.RunAsync(rounds, [.. sides.Select((daemon, i) => (daemon.Name, (Func<Task<double>>)(() => measure(clients[i]))))]);
            report.Table(what, goal.Unit, samples);
            report.Note(goal.Judge(samples[1].RatioTo(samples[0]).Median));
            foreach (IDaemonClient client in clients.SelectMany(each => each))
                await client.DisposeAsync();
        }
    }

    private static void Require(int count)
    {
        if (count != Domains)
            throw new InvalidOperationException($"{count} domains instead of {Domains}.");
    }
}
