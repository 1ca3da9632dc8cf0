using Ballast.Virtio;

namespace Ballast.Drivers;

/// <summary>
/// A guest's report as libvirt's statistics: their order, their units, and what is left out. The whole order is actual,
/// what <see cref="Fill"/> gives, RSS, what <see cref="FillExtended"/> gives.
/// </summary>
internal static class GuestMemoryStats
{
    /// <summary>The most entries there can be: libvirt's thirteen and our six.</summary>
    public const int MaxCount = 19;

    private const int FirstExtended = 10;

    // virtio's tag −1 stands for last-update, which the device knows and not the guest.
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

    /// <summary>Fills what fits of libvirt's statistics and returns how much that is.</summary>
    public static int Fill(Span<MemoryStat> stats, in GuestReport report, ulong? lastUpdate)
    {
        int count = 0;
        foreach ((MemoryStatTag tag, int virtio) in Order)
        {
            if (count == stats.Length)
                break;
            if (virtio < 0 ? lastUpdate is not null : report.TryGet(virtio, out _))
                stats[count++] = new MemoryStat(tag, virtio < 0 ? lastUpdate.GetValueOrDefault() : Value(report, tag, virtio));
        }

        return count;
    }

    /// <summary>Fills what fits of the statistics beyond libvirt's and returns how much that is.</summary>
    public static int FillExtended(Span<MemoryStat> stats, in GuestReport report)
    {
        int count = 0;
        for (int virtio = FirstExtended; virtio < GuestReport.Count && count < stats.Length; virtio++)
        {
            if (report.TryGet(virtio, out _))
                stats[count++] = new MemoryStat(Extended(virtio), Value(report, Extended(virtio), virtio));
        }

        return count;
    }

    /// <summary>The tags whose values could not be true.</summary>
    public static MemoryStatTagSet Rejected(in GuestReport report)
    {
        MemoryStatTagSet rejected = default;
        foreach ((MemoryStatTag tag, int virtio) in Order)
        {
            if (virtio >= 0 && report.IsRejected(virtio))
                rejected = rejected.With(tag);
        }

        for (int virtio = FirstExtended; virtio < GuestReport.Count; virtio++)
        {
            if (report.IsRejected(virtio))
                rejected = rejected.With(Extended(virtio));
        }

        return rejected;
    }

    private static MemoryStatTag Extended(int virtio) => MemoryStatTag.OomKills + (virtio - FirstExtended);

    private static ulong Value(in GuestReport report, MemoryStatTag tag, int virtio)
    {
        _ = report.TryGet(virtio, out ulong value);
        return tag.Unit() == MemoryStatUnit.KiB ? value / 1024 : value;
    }
}
