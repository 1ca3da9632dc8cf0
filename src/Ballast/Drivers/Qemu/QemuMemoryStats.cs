using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>A monitor's answers as libvirt's statistics: their order, their units, and what is left out.</summary>
internal static class QemuMemoryStats
{
    /// <summary>The most entries there can be: libvirt's thirteen and our six.</summary>
    public const int MaxCount = 19;

    private const int FirstExtended = 10;

    // libvirt's order behind actual; virtio's tag −1 stands for last-update.
    private static readonly (MemoryStatTag Tag, int Virtio)[] Order =
    [
        (MemoryStatTag.SwapIn, 0),
        (MemoryStatTag.SwapOut, 1),
        (MemoryStatTag.MajorFault, 2),
        (MemoryStatTag.MinorFault, 3),
        (MemoryStatTag.Unused, 4),
        (MemoryStatTag.Available, 5),
        (MemoryStatTag.Usable, 6),
        (MemoryStatTag.LastUpdate, -1),
        (MemoryStatTag.DiskCaches, 7),
        (MemoryStatTag.HugetlbPgAlloc, 8),
        (MemoryStatTag.HugetlbPgFail, 9),
    ];

    /// <summary>Fills what fits and returns how much that is.</summary>
    public static int Fill(Span<MemoryStat> stats, in MonitorValues values, QemuProcess? process, MemoryStatsOptions options)
    {
        int count = 0;
        if (values.HasActual && count < stats.Length)
            stats[count++] = new MemoryStat(MemoryStatTag.ActualBalloon, values.ActualBytes / 1024);

        if (values.Has(MonitorParts.GuestStats))
        {
            foreach ((MemoryStatTag tag, int virtio) in Order)
            {
                if (count < stats.Length && TryGet(values.GuestStats, tag, virtio, out ulong value))
                    stats[count++] = new MemoryStat(tag, value);
            }
        }

        // Read only where there is room: it costs a system call.
        if (count < stats.Length && process?.ReadRssKiB() is { } rss)
            stats[count++] = new MemoryStat(MemoryStatTag.Rss, rss);

        if ((options & MemoryStatsOptions.Extended) != 0 && values.Has(MonitorParts.GuestStats))
        {
            for (int virtio = FirstExtended; virtio < GuestStats.Count; virtio++)
            {
                MemoryStatTag tag = MemoryStatTag.OomKills + (virtio - FirstExtended);
                if (count < stats.Length && TryGet(values.GuestStats, tag, virtio, out ulong value))
                    stats[count++] = new MemoryStat(tag, value);
            }
        }

        return count;
    }

    public static MemoryStatTagSet Rejected(in MonitorValues values)
    {
        MemoryStatTagSet rejected = default;
        if (values.IsActualRejected)
            rejected = rejected.With(MemoryStatTag.ActualBalloon);
        foreach ((MemoryStatTag tag, int virtio) in Order)
        {
            if (virtio >= 0 && values.GuestStats.IsRejected(virtio))
                rejected = rejected.With(tag);
        }

        for (int virtio = FirstExtended; virtio < GuestStats.Count; virtio++)
        {
            if (values.GuestStats.IsRejected(virtio))
                rejected = rejected.With(MemoryStatTag.OomKills + (virtio - FirstExtended));
        }

        return rejected;
    }

    private static bool TryGet(in GuestStats stats, MemoryStatTag tag, int virtio, out ulong value)
    {
        if (virtio < 0)
        {
            value = stats.LastUpdate.GetValueOrDefault();
            return stats.LastUpdate is not null;
        }

        if (!stats.TryGet(virtio, out value))
            return false;
        if (tag.Unit() == MemoryStatUnit.KiB)
            value /= 1024;
        return true;
    }
}
