using Ballast.Virtio;

namespace Ballast.Drivers;

/// <summary>What others than the guest know of its memory.</summary>
internal interface IMemoryStatsOfHost
{
    /// <summary>The value of a statistic that is not in the guest's report; null where it is not known. Asked only where there is room for it.</summary>
    ulong? Find(MemoryStatTag tag);
}

/// <summary>A guest's report, and what others know, as libvirt's statistics: their order, their units, and what is left out.</summary>
internal static class GuestMemoryStats
{
    /// <summary>The most entries there can be.</summary>
    public static int MaxCount => MemoryStatTable.MaxCount;

    /// <summary>Fills what fits and returns how much that is.</summary>
    public static int Fill<THost>(Span<MemoryStat> stats, in BalloonReport report, THost host, MemoryStatsOptions options)
        where THost : IMemoryStatsOfHost
    {
        bool withExtended = (options & MemoryStatsOptions.Extended) != 0;
        int count = 0;
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (count == stats.Length)
                break;
            if (row.IsExtended && !withExtended)
                continue;
            if ((row.Source == MemoryStatSource.Guest ? report.Find(row) : host.Find(row.Tag)) is { } value)
                stats[count++] = new MemoryStat(row.Tag, value);
        }

        return count;
    }

    /// <summary>The tags whose values could not be true.</summary>
    public static MemoryStatTagSet Rejected(in BalloonReport report)
    {
        MemoryStatTagSet rejected = default;
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (row.Source == MemoryStatSource.Guest && report.IsRejected(row.VirtioTag))
                rejected = rejected.With(row.Tag);
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
        bool seesAll = deflatesOnOom == true || (availableKiB > actual && !SeesOnlyWhatIsLeft(countsHugePages, deflatesOnOom));
        return seesAll ? whole - actual : 0;
    }

    /// <summary>How long two looks may be apart for a balloon to have moved but once between them.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The balloon's size that belongs to a report that is seen for the first time. A report comes between two looks; where the balloon
    /// moved between them, too, nobody knows which was first, and that is 0. Without a look before, it is taken not to have moved.
    /// </summary>
    /// <param name="before">The size at the look before; null: unknown.</param>
    /// <param name="now">The size at this look; null: unknown.</param>
    public static ulong? ActualAtReport(ulong? before, ulong? now) =>
        MemoryStats.HasMoved(before, now) ? 0 : now;

    /// <summary>Whether its driver is known to take the balloon off what the guest sees: a Linux one without "deflate on OOM".</summary>
    /// <param name="countsHugePages">Whether its report has counters of huge pages.</param>
    /// <param name="deflatesOnOom">Whether the driver took the feature; null: unknown.</param>
    public static bool SeesOnlyWhatIsLeft(bool countsHugePages, bool? deflatesOnOom) => deflatesOnOom == false && countsHugePages;
}
