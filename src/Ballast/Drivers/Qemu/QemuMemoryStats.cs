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

    /// <summary>By the rule of <see cref="GuestMemoryStats.BalloonInUsedKiB"/>; the report's numbers are bytes, as is the balloon's size.</summary>
    /// <remarks>What the guest has of virtio-mem it sees, and no balloon counts it.</remarks>
    public static ulong BalloonInUsedKiB(in GuestReport report, ulong? actualBytes, MemorySizes? sizes, bool? deflatesOnOom)
    {
        const int totalMemory = 5, hugePages = 8;
        return GuestMemoryStats.BalloonInUsedKiB(
            report.TryGet(totalMemory, out ulong total) ? (total / 1024) - Math.Min(total / 1024, sizes?.VirtioMemKiB ?? 0) : null,
            report.TryGet(hugePages, out _), actualBytes / 1024, sizes?.WithoutBalloonKiB, deflatesOnOom);
    }

    public static MemoryStatTagSet Rejected(in MonitorValues values)
    {
        MemoryStatTagSet rejected = GuestMemoryStats.Rejected(values.GuestStats.Report);
        return values.IsActualRejected ? rejected.With(MemoryStatTag.ActualBalloon) : rejected;
    }
}
