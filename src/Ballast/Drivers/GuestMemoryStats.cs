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

    /// <summary>
    /// What the balloon held when the guest reported, where the guest counts that as used: where its driver took "deflate on
    /// OOM", or, as Windows does without, it sees more memory than the balloon left it. A Linux driver without that
    /// feature, which is told by its counters of huge pages, takes the balloon off what the guest sees.
    /// </summary>
    /// <param name="availableKiB">What the guest sees; null: it did not say.</param>
    /// <param name="countsHugePages">Whether its report has counters of huge pages.</param>
    /// <param name="actualKiB">The balloon's size at that time; null: unknown.</param>
    /// <param name="wholeKiB">The size with an empty balloon; null: unknown.</param>
    /// <param name="deflatesOnOom">Whether the driver took the feature; null: unknown.</param>
    public static ulong BalloonInUsedKiB(ulong? availableKiB, bool countsHugePages, ulong? actualKiB, ulong? wholeKiB, bool? deflatesOnOom)
    {
        if (availableKiB is null || actualKiB is not { } actual || wholeKiB is not { } whole || whole <= actual)
            return 0;
        bool seesAll = deflatesOnOom == true || (availableKiB > actual && !(deflatesOnOom == false && countsHugePages));
        return seesAll ? whole - actual : 0;
    }

    private static MemoryStatTag Extended(int virtio) => MemoryStatTag.OomKills + (virtio - FirstExtended);

    private static ulong Value(in GuestReport report, MemoryStatTag tag, int virtio)
    {
        _ = report.TryGet(virtio, out ulong value);
        return tag.Unit() == MemoryStatUnit.KiB ? value / 1024 : value;
    }
}
