using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>Bulk statistics of many real QEMUs, beside one call for each of them; and with one that does not answer.</summary>
internal static class CrowdBenchmark
{
    private const int RoundCount = 40, Large = 100;

    public static async Task RunAsync(Report report)
    {
        report.Section("crowd", "Driven guests: the balloon's statistics of all in one call, beside the sum of single calls, ms");
        foreach (int count in (int[])[1, 10, Large])
        {
            await using GuestCrowd crowd = await GuestCrowd.StartAsync(count);
            await using Connection connection = await OpenAsync(crowd, TimeSpan.FromSeconds(20));
            IReadOnlyList<Domain> domains = await connection.ListDomainsAsync();
            MemoryStat[] stats = new MemoryStat[16];
            report.Table(Report.Text($"{count} {(count == 1 ? "guest" : "guests")}"), "ms", await Rounds.RunAsync(
                RoundCount,
                ("one call each, one after the other", () => TimeAsync(async () =>
                {
                    foreach (Domain domain in domains)
                        _ = await domain.FillMemoryStatsAsync(stats);
                })),
                ("all in one call", () => TimeAsync(() => BulkAsync(connection, count)))));
            if (count == Large)
                await WithOneStoppedAsync(report, crowd);
        }
    }

    private static async Task WithOneStoppedAsync(Report report, GuestCrowd crowd)
    {
        // The first to ask a stopped guest waits for its deadline; what everybody else waits is measured.
        await using Connection connection = await OpenAsync(crowd, TimeSpan.FromSeconds(1));
        await BulkAsync(connection, Large);
        DrivenGuest stopped = crowd.Guests[Large / 2];
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync();
        Domain[] others = [.. domains.Where(domain => domain.Id != stopped.Pid)];
        Domain victim = domains.Single(domain => domain.Id == stopped.Pid);

        async Task<double> OthersAsync(bool isStopped)
        {
            await SetAsync(stopped, isStopped, victim);
            return await TimeAsync(async () => await connection.GetDomainStatsAsync(others, DomainStatsGroups.Balloon));
        }

        async Task<double> AllAsync()
        {
            await SetAsync(stopped, true, victim);
            return await TimeAsync(() => BulkAsync(connection, Large));
        }

        report.Table("100 guests, one stopped (SIGSTOP) and known not to answer", "ms", await Rounds.RunAsync(
            RoundCount / 4,
            ("the other 99 in one call, all running", () => OthersAsync(isStopped: false)),
            ("the other 99 in one call, one stopped", () => OthersAsync(isStopped: true)),
            ("all 100 in one call, one stopped", AllAsync)));
        stopped.Process.Continue();
    }

    private static async Task SetAsync(DrivenGuest guest, bool isStopped, Domain domain)
    {
        if (isStopped)
            await guest.Process.StopAsync();
        else
            guest.Process.Continue();
        // Until it is known: the lane is hung, or has revived.
        while ((await domain.GetMemoryStatsAsync()).Reason == MemoryStatsReason.MonitorHung != isStopped)
            await Task.Delay(1);
    }

    private static ValueTask<Connection> OpenAsync(GuestCrowd crowd, TimeSpan timeout) =>
        Connection.OpenAsync($"qmp://{crowd.DirectoryPath}", new ConnectionOptions { Timeout = timeout });

    private static async Task BulkAsync(Connection connection, int count)
    {
        if ((await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon)).Count != count)
            throw new InvalidOperationException("Domains are missing.");
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        long start = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
