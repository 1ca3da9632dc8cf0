namespace Ballast.Benchmarks.Daemons;

/// <summary>What a thousand clients cost that have opened and do nothing.</summary>
internal static class IdleComparison
{
    private const int RoundCount = 30, StatsPerRound = 40, CallsPerRound = 200, Idle = 1000;
    private const double MostTimes = 1.2;

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:idle", $"{Idle} clients that have opened a connection and do nothing, and one that works");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        // Two of each daemon, one with and one without, so that they can be asked in turn.
        await using DaemonPair alone = await DaemonPair.StartAsync(domains: 1), crowded = await DaemonPair.StartAsync(domains: 1);
        IDaemonClient[] idle =
        [
            .. await crowded.Libvirtd.OpenManyAsync(ClientKind.CLibrary, Idle),
            .. await crowded.Ours.OpenManyAsync(ClientKind.CLibrary, Idle),
        ];
        foreach (ClientKind kind in Comparison.Kinds)
        {
            await RunAsync(report, alone, crowded, kind, "the protocol alone", client => Pace.MedianAsync(CallsPerRound, client.GetLibraryVersionAsync));
            await RunAsync(report, alone, crowded, kind, "one domain's statistics", client => Pace.MedianAsync(StatsPerRound, async () => _ = await client.GetMemoryStatsAsync()));
        }

        foreach (IDaemonClient client in idle)
            await client.DisposeAsync();
    }

    private static async Task RunAsync(
        Report report, DaemonPair alone, DaemonPair crowded, ClientKind kind, string what, Func<IDaemonClient, Task<double>> measure)
    {
        IDaemonClient[] clients =
        [
            await alone.Libvirtd.OpenAsync(kind), await crowded.Libvirtd.OpenAsync(kind),
            await alone.Ours.OpenAsync(kind), await crowded.Ours.OpenAsync(kind),
        ];
        string with = $"with {Idle} idle";
        Samples[] sides = await Rounds.RunAsync(
            RoundCount,
            ("libvirtd, alone", () => measure(clients[0])),
            ("libvirtd, " + with, () => measure(clients[1])),
            ("ballastd, alone", () => measure(clients[2])),
            ("ballastd, " + with, () => measure(clients[3])));
        string title = $"{what}, p50 of a round, {Comparison.NameOf(kind)}";
        report.Table(title, "µs", sides[..2]);
        report.Table(title, "µs", sides[2..]);
        if (kind == ClientKind.CLibrary)
            report.Limit("with idle clients", sides[3].RatioTo(sides[2]).Median, MostTimes);
        foreach (IDaemonClient client in clients)
            await client.DisposeAsync();
    }
}
