using Ballast.Drivers.Qemu.Qmp;
using Ballast.Virtio;

namespace Ballast.Drivers.Qemu;

/// <summary>A monitor's answers as libvirt's statistics.</summary>
internal static class QemuMemoryStats
{
    public const int MaxCount = GuestMemoryStats.MaxCount;

    /// <summary>Fills what fits and returns how much that is.</summary>
    public static int Fill(Span<MemoryStat> stats, in MonitorValues values, QemuProcess? process, MemoryStatsOptions options)
    {
        int count = 0;
        if (values.HasActual && count < stats.Length)
            stats[count++] = new MemoryStat(MemoryStatTag.ActualBalloon, values.ActualBytes / 1024);

        if (values.Has(MonitorParts.GuestStats))
            count += GuestMemoryStats.Fill(stats[count..], values.GuestStats.Report, values.GuestStats.LastUpdate);

        // Read only where there is room: it costs a system call.
        if (count < stats.Length && process?.ReadRssKiB() is { } rss)
            stats[count++] = new MemoryStat(MemoryStatTag.Rss, rss);

        if ((options & MemoryStatsOptions.Extended) != 0 && values.Has(MonitorParts.GuestStats))
            count += GuestMemoryStats.FillExtended(stats[count..], values.GuestStats.Report);
        return count;
    }

    /// <summary>
    /// What the balloon held when the guest reported, where the guest counts that as used: where its driver took "deflate on
    /// OOM", or, as Windows does without, it sees more memory than the balloon left it. A Linux driver without that
    /// feature, which is told by its counters of huge pages, takes the balloon off what the guest sees.
    /// </summary>
    /// <param name="report">The guest's report.</param>
    /// <param name="actualBytes">The balloon's size at that time; null: unknown.</param>
    /// <param name="wholeKiB">The size with an empty balloon, as the balloon counts it; null: unknown.</param>
    /// <param name="deflatesOnOom">Whether the driver took the feature; null: unknown.</param>
    public static ulong BalloonInUsedKiB(in GuestReport report, ulong? actualBytes, ulong? wholeKiB, bool? deflatesOnOom)
    {
        const int totalMemory = 5, hugePages = 8;
        if (actualBytes / 1024 is not { } actual || !(wholeKiB > actual) || !report.TryGet(totalMemory, out ulong total))
            return 0;
        bool seesAll = deflatesOnOom == true || (total / 1024 > actual && !(deflatesOnOom == false && report.TryGet(hugePages, out _)));
        return seesAll ? wholeKiB.Value - actual : 0;
    }

    public static MemoryStatTagSet Rejected(in MonitorValues values)
    {
        MemoryStatTagSet rejected = GuestMemoryStats.Rejected(values.GuestStats.Report);
        return values.IsActualRejected ? rejected.With(MemoryStatTag.ActualBalloon) : rejected;
    }
}
