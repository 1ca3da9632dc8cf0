using System.Diagnostics;

namespace Ballast.Benchmarks;

/// <summary>Bulk statistics of many simulated guests, beside one call for each of them.</summary>
internal static class FleetBenchmark
{
    private const int RoundCount = 100;
    private const int Small = 1000, Large = 10_000;

    public static async Task RunAsync(Report report)
    {
        report.Section("fleet", "Simulated guests (`test:///fleet`): the balloon's statistics of all of them, ms");
        await using Connection small = await OpenAsync(Small), large = await OpenAsync(Large);
        IReadOnlyList<Domain> domains = await large.ListDomainsAsync();
        MemoryStat[] stats = new MemoryStat[16];
        long resident = 0;
        async Task<double> LargeAsync()
        {
            double elapsed = await TimeAsync(() => BulkAsync(large, Large));
            resident = Math.Max(resident, Environment.WorkingSet);
            return elapsed;
        }

        async ValueTask EachAsync()
        {
            foreach (Domain domain in domains)
                _ = await domain.FillMemoryStatsAsync(stats);
        }

        Samples[] sides = await Rounds.RunAsync(
            RoundCount,
            ("10,000 domains in one call", LargeAsync),
            ("1,000 domains in one call", () => TimeAsync(() => BulkAsync(small, Small))),
            ("10,000 calls, RFC's shape", () => TimeAsync(EachAsync)));
        report.Table("in process", "ms", sides);

        long before = GC.GetTotalAllocatedBytes(precise: true);
        await BulkAsync(large, Large);
        double perDomain = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Large;
        report.Note(Report.Text(
            $"10,000 domains in one call allocate {perDomain:0} bytes a domain; the benchmark's whole process had at most {resident / 1048576.0:0} MB resident."));
    }

    private static ValueTask<Connection> OpenAsync(int domains) => Connection.OpenAsync($"test:///fleet?domains={domains}");

    private static async ValueTask BulkAsync(Connection connection, int domains)
    {
        if ((await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon)).Count != domains)
            throw new InvalidOperationException("Domains are missing.");
    }

    private static async Task<double> TimeAsync(Func<ValueTask> action)
    {
        long start = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
