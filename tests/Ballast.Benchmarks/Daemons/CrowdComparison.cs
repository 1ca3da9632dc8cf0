namespace Ballast.Benchmarks.Daemons;

/// <summary>Many domains: their statistics in one call, and the daemons' memory and threads.</summary>
internal static class CrowdComparison
{
    private const int RoundCount = 20;

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:crowd", "Balloon statistics of all domains in one call, and what they cost the daemons");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using DaemonPair pair = await DaemonPair.StartAsync(domains: 0);
        List<string> costs = [Costs(pair, "0 domains")];
        foreach ((int domains, double least) in ((int, double)[])[(50, 4), (200, 3)])
        {
            await pair.GrowAsync(domains);
            await Comparison.RunAsync(
                report, pair, $"{domains} domains", new Goal("ms", least), RoundCount, clients: 1,
                async clients => await Pace.MedianAsync(1, async () =>
                {
                    int count = await clients[0].CountBalloonStatsAsync();
                    if (count != domains)
                        throw new InvalidOperationException($"{count} domains instead of {domains}.");
                }) / 1000);
            costs.Add(Costs(pair, $"{domains} domains, asked many times"));
        }

        report.Rows("| resident memory of libvirtd, MiB | of ballastd | threads of libvirtd | of ballastd", [.. costs]);
    }

    private static string Costs(DaemonPair pair, string when) => Report.Text(
        $"{when} | {pair.Libvirtd.ResidentMib} | {pair.Ours.ResidentMib} | {pair.Libvirtd.Threads} | {pair.Ours.Threads}");
}
