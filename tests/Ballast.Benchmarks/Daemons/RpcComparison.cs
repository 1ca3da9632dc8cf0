namespace Ballast.Benchmarks.Daemons;

/// <summary>The protocol alone: a call that asks no QEMU.</summary>
internal static class RpcComparison
{
    private const int RoundCount = 30, CallsPerRound = 200, Connections = 16;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(300);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:rpc", "The protocol alone (library version), ballastd beside libvirtd");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using DaemonPair pair = await DaemonPair.StartAsync(domains: 1);
        await Comparison.RunAsync(
            report, pair, "one connection, median call of a round", new Goal("µs", 1.5), RoundCount, clients: 1,
            clients => Pace.MedianAsync(CallsPerRound, clients[0].GetLibraryVersionAsync));
        await AboveFloorAsync(report, pair);
        await Comparison.RunAsync(
            report, pair, $"{Connections} connections", new Goal("calls/s", 1.5), RoundCount / 3, Connections,
            clients => Pace.RateAsync(RoundTime, [.. clients.Select(client => (Func<ValueTask>)client.GetLibraryVersionAsync)]));
    }

    /// <summary>What a daemon adds to what the kernel and the client take anyway.</summary>
    private static async Task AboveFloorAsync(Report report, DaemonPair pair)
    {
        const double most = 0.6;
        await using FloorServer floor = await FloorServer.StartAsync();
        Daemon[] daemons = [floor.Daemon, pair.Libvirtd, pair.Ours];
        IDaemonClient[] clients = await Task.WhenAll(daemons.Select(daemon => daemon.OpenAsync(ClientKind.CLibrary)));
        Samples[] sides = await Rounds.RunAsync(
            RoundCount, [.. daemons.Select((daemon, i) => (daemon.Name, (Func<Task<double>>)(() => Pace.MedianAsync(CallsPerRound, clients[i].GetLibraryVersionAsync))))]);
        report.Table("one connection beside the least that a call takes, libvirt's C library", "µs", sides);
        double share = Samples.MedianOf(Enumerable.Range(0, RoundCount).Select(round =>
            (sides[2].Values[round] - sides[0].Values[round]) / (sides[1].Values[round] - sides[0].Values[round])));
        report.Note(Report.Text($"Above the loop in C, ballastd takes {share:0.00} of what libvirtd takes; wanted: {most:0.0} at most{(share <= most ? "." : ", so it falls short.")}"));
        foreach (IDaemonClient client in clients)
            await client.DisposeAsync();
    }
}
