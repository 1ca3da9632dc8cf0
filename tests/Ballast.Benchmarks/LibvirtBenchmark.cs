using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>The same real guest twice, one under libvirtd and asked through libvirt, one asked by Ballast.</summary>
internal static class LibvirtBenchmark
{
    private const int RoundCount = 60;
    private const int CallsPerRound = 20;
    private const int AllStatistics = 13;

    private static readonly TimeSpan BootDeadline = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(Report report)
    {
        report.Section("libvirt", "One call on the same Linux guest (kernel and initrd), one copy under libvirtd, one of our own, µs");
        if (!Environment.IsPrivilegedProcess)
        {
            report.Note("A libvirtd of our own needs root: left out.");
            return;
        }

        LinuxGuestImage image = await LinuxGuestImage.GetAsync();
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync();
        string name = await daemon.CreateDomainAsync(DomainXml.ForLinuxGuest("bench", image, periodSeconds: 1));
        await using LinuxGuest guest = await LinuxGuest.StartAsync();
        await using Connection connection = await Connection.OpenAsync($"qmp://{guest.Process.MonitorPaths[0]}");
        Domain domain = (await connection.ListDomainsAsync())[0];
        await domain.SetPeriodAsync(1);
        MemoryStat[] stats = new MemoryStat[16];
        using LibvirtClient client = new(daemon.Uri, name);
        await Deadline.UntilAsync(
            BootDeadline, "all statistics of both guests",
            async token => client.GetMemoryStats() == AllStatistics && await domain.FillMemoryStatsAsync(stats, cancellationToken: token) == AllStatistics,
            CancellationToken.None);

        report.Table("one caller", "µs", await Rounds.RunAsync(
            RoundCount,
            ("libvirt (C library, unix socket, libvirtd)", () => TimeAsync(() =>
            {
                _ = client.GetMemoryStats();
                return default;
            })),
            ("Ballast (monitor)", () => TimeAsync(async () => _ = await domain.FillMemoryStatsAsync(stats)))));
    }

    private static async Task<double> TimeAsync(Func<ValueTask> call)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < CallsPerRound; i++)
            await call();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / CallsPerRound;
    }
}
