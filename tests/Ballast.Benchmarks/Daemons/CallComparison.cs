namespace Ballast.Benchmarks.Daemons;

/// <summary>Single calls: of one caller, and of many callers of one domain.</summary>
internal static class CallComparison
{
    private const int RoundCount = 30, CallsPerRound = 40, Callers = 64;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(300);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:call", "Statistics of one domain, ballastd beside libvirtd, the same kind of QEMU under each");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using DaemonPair pair = await DaemonPair.StartAsync(domains: 1);
        await pair.SettleAsync();
        await Comparison.RunAsync(
            report, pair, "one caller, median call of a round", new Goal("µs", 2), RoundCount, clients: 1,
            clients => Pace.MedianAsync(CallsPerRound, () => AskAsync(clients[0])));
        await Comparison.RunAsync(
            report, pair, $"{Callers} callers, a connection each", new Goal("calls/s", 20), RoundCount / 3, Callers,
            clients => Pace.RateAsync(RoundTime, [.. clients.Select(client => (Func<ValueTask>)(() => AskAsync(client)))]));
        await Comparison.RunAsync(
            report, pair, $"{Callers} callers, one connection", new Goal("calls/s", 20), RoundCount / 3, clients: 1,
            clients => Pace.RateAsync(RoundTime, [.. Enumerable.Repeat(() => AskAsync(clients[0]), Callers)]));
    }

    private static async ValueTask AskAsync(IDaemonClient client) => _ = await client.GetMemoryStatsAsync();
}
