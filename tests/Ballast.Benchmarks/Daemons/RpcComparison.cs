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
        await Comparison.RunAsync(
            report, pair, $"{Connections} connections", new Goal("calls/s", 1.5), RoundCount / 3, Connections,
            clients => Pace.RateAsync(RoundTime, [.. clients.Select(client => (Func<ValueTask>)client.GetLibraryVersionAsync)]));
    }
}
