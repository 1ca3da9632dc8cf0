using System.Diagnostics;
using Ballast.Drivers.Qemu;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Many callers of one domain: waiting callers share a query, where a bare socket can only let them queue.</summary>
internal static class CallersBenchmark
{
    private const int Callers = 64;
    private const int RoundCount = 12;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(500);

    public static async Task RunAsync(Report report)
    {
        report.Section("callers", $"{Callers} callers of one domain at once, calls per second");
        await using DrivenGuest guest = await Machines.StartTinyAsync(monitors: 3);
        IReadOnlyList<string> monitors = guest.Process.MonitorPaths;
        using BareMonitor bare = new(monitors[0]);
        using SemaphoreSlim turn = new(1);
        await using Connection connection = await Connection.OpenAsync($"qmp://{monitors[1]}");
        Domain domain = (await connection.ListDomainsAsync())[0];
        QemuDriver driver = (QemuDriver)connection.Driver;

        long calls = 0, commands = 0;
        async Task<double> ManyAsync()
        {
            long before = driver.Monitor.CommandsSent;
            double rate = await RateAsync(Callers, () => CallAsync(domain), count => calls += count);
            commands += driver.Monitor.CommandsSent - before;
            return rate;
        }

        Samples[] sides = await Rounds.RunAsync(
            RoundCount,
            ($"{Callers} callers, one bare socket with a lock", () => RateAsync(Callers, async () =>
            {
                await turn.WaitAsync();
                try
                {
                    await bare.AskAsync(Machines.CallBytes, Machines.CallReplies);
                }
                finally
                {
                    _ = turn.Release();
                }
            })),
            ("1 caller, Ballast", () => RateAsync(1, () => CallAsync(domain))),
            ($"{Callers} callers, Ballast", ManyAsync));
        report.Table("tiny machine (microvm)", "calls/s", sides);
        report.Note(Report.Text(
            $"Monitor commands per call: 2 for one caller and for the bare socket, {(double)commands / calls:0.000} for {Callers} callers of Ballast."));
    }

    // Each caller has its own buffer, as programs have.
    private static async ValueTask CallAsync(Domain domain) => _ = await domain.FillMemoryStatsAsync(new MemoryStat[16]);

    private static async Task<double> RateAsync(int callers, Func<ValueTask> call, Action<long>? counted = null)
    {
        long start = Stopwatch.GetTimestamp();
        long[] counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            long count = 0;
            for (; Stopwatch.GetElapsedTime(start) < RoundTime; count++)
                await call();
            return count;
        })));
        counted?.Invoke(counts.Sum());
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
