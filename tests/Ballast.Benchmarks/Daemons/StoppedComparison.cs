using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>One QEMU that does not answer, and callers who wait for it: what it costs those who ask another, and how long they wait.</summary>
internal static class StoppedComparison
{
    private const int StuckCallers = 25, RoundsOfOurs = 5;
    private const double MostTimes = 1.2, OurDeadlineSeconds = 2, Slack = 0.5;

    private static readonly TimeSpan CalmTime = TimeSpan.FromSeconds(1);

    // libvirtd's callers have an error after half a minute, but for the first, who waits for ever.
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(40);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:stopped", $"One QEMU stopped (SIGSTOP), {StuckCallers} callers of it, a connection each, and one caller of another domain");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using DaemonPair pair = await DaemonPair.StartAsync(domains: 2);
        foreach (ClientKind kind in Comparison.Kinds)
        {
            List<Round> ours = [];
            for (int i = 0; i < RoundsOfOurs; i++)
                ours.Add(await RunAsync(pair, pair.Ours, kind));
            Round theirs = await RunAsync(pair, pair.Libvirtd, kind);
            report.Rows(
                $"{Comparison.NameOf(kind)} | healthy domain, p50 before, µs | p50 meanwhile, µs | ratio | its longest call, ms | stuck callers' errors came after, s | without an answer before the QEMU went on",
                Row("libvirtd, once", [theirs]),
                Row($"ballastd, {RoundsOfOurs} times", ours));
            if (kind != ClientKind.CLibrary)
                continue;
            report.Limit("a healthy domain's p50", Ratio(ours), MostTimes);
            double last = ours.SelectMany(round => round.Waits).Max();
            bool areInTime = last < OurDeadlineSeconds + Slack && ours.All(round => round.Without == 0);
            report.Note(Report.Text(
                $"ballastd, stuck callers: the last error came after {last:0.00} s; wanted: its deadline of {OurDeadlineSeconds} s{(areInTime ? "." : ", so it falls short.")}"));
        }
    }

    private static async Task<Round> RunAsync(DaemonPair pair, Daemon daemon, ClientKind kind)
    {
        const int healthy = 0, stopped = 1;
        int qemu = pair.QemuPid(daemon, stopped);
        await using IDaemonClient client = await daemon.OpenAsync(kind, DaemonPair.Name(healthy));
        IDaemonClient[] stuck = await daemon.OpenManyAsync(kind, StuckCallers, DaemonPair.Name(stopped));
        await Deadline.UntilAsync(Deadline.Default, "answer of the QEMU", async _ => await TryAskAsync(stuck[0]), CancellationToken.None);

        List<double> before = await AskUntilAsync(client, since => since >= CalmTime);
        List<double> waits = [];
        ChildProcess.Freeze(qemu);
        using CancellationTokenSource isOver = new();
        Task<double[]> going = GoOnAsync(qemu, waits, isOver.Token);

        // Threads, as the C library's calls block.
        Task all = Task.WhenAll(stuck.Select(caller => Task.Factory.StartNew(
            () => WaitAsync(caller, waits), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        List<double> meanwhile = await AskUntilAsync(client, _ => going.IsCompleted || Count(waits) == StuckCallers);
        await isOver.CancelAsync();
        double[] inTime = await going;
        await all;
        foreach (IDaemonClient caller in stuck)
            await caller.DisposeAsync();
        return new Round(before, meanwhile, inTime, StuckCallers - inTime.Length);
    }

    /// <summary>Lets the QEMU go on when it is over, or has taken too long; returns what was waited until then.</summary>
    private static async Task<double[]> GoOnAsync(int qemu, List<double> waits, CancellationToken isOver)
    {
        await Task.Delay(LongestStop, isOver).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (waits)
        {
            ChildProcess.Thaw(qemu);
            return [.. waits];
        }
    }

    private static async Task<List<double>> AskUntilAsync(IDaemonClient client, Func<TimeSpan, bool> isOver)
    {
        List<double> times = [];
        for (long start = Stopwatch.GetTimestamp(); times.Count == 0 || !isOver(Stopwatch.GetElapsedTime(start));)
        {
            long asked = Stopwatch.GetTimestamp();
            _ = await client.GetMemoryStatsAsync();
            times.Add(Stopwatch.GetElapsedTime(asked).TotalMicroseconds);
        }

        return times;
    }

    private static async Task WaitAsync(IDaemonClient caller, List<double> waits)
    {
        long asked = Stopwatch.GetTimestamp();
        if (await TryAskAsync(caller))
            return;
        lock (waits)
            waits.Add(Stopwatch.GetElapsedTime(asked).TotalSeconds);
    }

    private static async Task<bool> TryAskAsync(IDaemonClient caller)
    {
        try
        {
            _ = await caller.GetMemoryStatsAsync();
            return true;
        }
        catch (Exception e) when (e is LibvirtException or InvalidOperationException)
        {
            return false;
        }
    }

    private static int Count(List<double> waits)
    {
        lock (waits)
            return waits.Count;
    }

    private static double Ratio(List<Round> rounds) =>
        Samples.MedianOf(rounds.Select(round => Samples.MedianOf(round.Meanwhile) / Samples.MedianOf(round.Before)));

    private static string Row(string name, List<Round> rounds)
    {
        double[] waits = [.. rounds.SelectMany(round => round.Waits).Order()];
        string waited = waits.Length == 0 ? "none" : Report.Text($"{waits[0]:0.00} … {waits[^1]:0.00}");
        double before = Samples.MedianOf(rounds.Select(round => Samples.MedianOf(round.Before)));
        double meanwhile = Samples.MedianOf(rounds.Select(round => Samples.MedianOf(round.Meanwhile)));
        double longest = rounds.SelectMany(round => round.Meanwhile).Max() / 1000;
        return Report.Text($"{name} | {Report.Number(before)} | {Report.Number(meanwhile)} | {Ratio(rounds):0.00} | {Report.Number(longest)} | {waited} | {rounds.Sum(round => round.Without)}");
    }

    /// <param name="Before">A healthy domain's calls, µs.</param>
    /// <param name="Meanwhile">The same while the callers were stuck.</param>
    /// <param name="Waits">Seconds that the stuck ones waited for their errors.</param>
    /// <param name="Without">How many of them had none when the QEMU went on.</param>
    private sealed record Round(List<double> Before, List<double> Meanwhile, double[] Waits, int Without);
}
