using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>A fresh report of a real Linux whose collection period is an hour.</summary>
internal static class RefreshBenchmark
{
    private const int RoundCount = 40, Hour = 3600;

    public static async Task RunAsync(Report report)
    {
        report.Section("refresh", "A report that a running Linux guest makes now, with a collection period of one hour, ms");
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "linux" });
        await using Connection connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}");
        Domain domain = (await connection.ListDomainsAsync())[0];
        await domain.SetPeriodAsync(Hour);

        Samples[] sides = await Rounds.RunAsync(
            RoundCount,
            ("the sample that QEMU has", () => TimeAsync(async () => await domain.GetMemoryStatsAsync())),
            ("refresh", RefreshAsync),
            ("twenty refreshes at once", () => TimeAsync(() => Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RefreshAsync())))));
        report.Table("one real Linux guest", "ms", sides);
        int period = await domain.GetPeriodAsync();
        report.Note(Report.Text($"Afterwards the collection period is {period} s; every refresh was answered by the guest."));

        async Task<double> RefreshAsync()
        {
            long start = Stopwatch.GetTimestamp();
            MemoryStats stats = await domain.RefreshMemoryStatsAsync();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            const int seconds = 2;
            return stats.Age < TimeSpan.FromSeconds(seconds) && stats.Reason == MemoryStatsReason.Fresh
                ? elapsed
                : throw new InvalidOperationException($"The guest did not answer: {stats.Reason}, {stats.Age}.");
        }
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        long start = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
