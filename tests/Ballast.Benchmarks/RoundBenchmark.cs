using System.Diagnostics;
using Ballast.Balance;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Guests.Scenarios;

namespace Ballast.Benchmarks;

/// <summary>A round of ten thousand guests: what our policy and the guards take to decide about all of them.</summary>
internal static class RoundBenchmark
{
    private const int GuestCount = 10_000, WarmUpCount = 10, RoundCount = 50;
    private const double MostMs = 50, MostMb = 100, Mb = 1e6;

    public static Task RunAsync(Report report)
    {
        report.Section("policy:round", $"A decision about {GuestCount} guests by our policy and the guards, without reading the guests");
        Run(report, isShort: false);
        Run(report, isShort: true);
        using Process process = Process.GetCurrentProcess();
        report.Note(Report.Text(
            $"The process at its peak: {process.PeakWorkingSet64 / Mb:0} MB, the runtime among it; live at the end: {GC.GetTotalMemory(forceFullCollection: true) / Mb:0} MB. Wanted: {MostMs} ms and {MostMb} MB at most."));
        return Task.CompletedTask;
    }

    private static void Run(Report report, bool isShort)
    {
        string where = isShort ? " where guests lack memory" : "";
        GuestFleet fleet = new(GuestCount, isShort);
        BallastPolicy policy = new();
        BalloonGuard guard = new();
        double[] times = new double[RoundCount], busy = new double[RoundCount], allocated = new double[RoundCount];
        for (int round = -WarmUpCount; round < RoundCount; round++)
        {
            (HostState host, GuardedGuest[] guests) = fleet.Next();
            TimeSpan used = Environment.CpuUsage.TotalTime;
            long bytes = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            IReadOnlyList<BalloonWish> wishes = policy.Decide(host, [.. guests.Select(guest => guest.State)]);
            IReadOnlyList<GuardDecision> decisions = guard.Decide(host, guests, wishes);
            (double ms, double mb) = (Stopwatch.GetElapsedTime(start).TotalMilliseconds, (GC.GetAllocatedBytesForCurrentThread() - bytes) / Mb);
            if (round >= 0)
                (times[round], busy[round], allocated[round]) = (ms, (Environment.CpuUsage.TotalTime - used).TotalMilliseconds, mb);
            fleet.Follow(wishes, decisions);
        }

        report.Table($"one round{where}", "ms", [new("by the clock", times), new("of a processor, garbage collection included", busy)]);
        report.Table($"what a round allocates{where}", "MB", [new("policy and guards", allocated)]);
    }
}
