namespace Ballast.Balance.Advice;

/// <summary>
/// Defines when a guest is short of memory, for all programs alike. Its last report counts; memory that a policy would give it for later
/// needs does not.
/// </summary>
public static class GuestShortage
{
    /// <summary>A guest that uses this share of its memory or more is short of memory.</summary>
    public const double FullShare = 0.9;

    /// <summary>The margin that a guest keeps besides the memory that it needs, in KiB.</summary>
    public const ulong MarginKiB = 32 * 1024;

    // A balloon is never quite as large as it was told to be.
    private const double Shrunk = 0.98;

    /// <summary>
    /// Whether a guest uses nine tenths of its memory or more, writes to swap, or has a balloon that leaves it less than it needs. False if
    /// its numbers are not current or contradict each other. After a balloon has grown since the report, only a size below the need counts;
    /// if it is unknown which way it moved, swapping counts too.
    /// </summary>
    /// <param name="stats">Its sample.</param>
    /// <param name="maximumKiB">The largest size that its balloon may be given; null if unknown.</param>
    /// <param name="swapOut">The memory that it wrote to swap between its last two reports, in any unit; null if unknown.</param>
    public static bool IsShort(MemoryStats stats, ulong? maximumKiB, double? swapOut)
    {
        ArgumentNullException.ThrowIfNull(stats);
        if (stats.Reason != MemoryStatsReason.Fresh || stats.Used is null || stats.ActualKiB is not { } actual)
            return false;
        bool isBelowNeed = IsShrunk(actual, maximumKiB) && actual < FloorKiB(stats);
        if (stats.HasBalloonMoved && !(actual < stats.ActualAtReportKiB))
            return isBelowNeed || (stats.ActualAtReportKiB is null && swapOut > 0);
        return swapOut > 0 || isBelowNeed || UsedShare(stats) >= FullShare;
    }

    /// <summary>Whether a balloon is more than 2 % below its maximum, so that it could give its guest memory.</summary>
    /// <param name="actualKiB">The balloon's size.</param>
    /// <param name="maximumKiB">The largest size that it may be given; null if unknown.</param>
    public static bool IsShrunk(ulong actualKiB, ulong? maximumKiB) => actualKiB < maximumKiB * Shrunk;

    /// <summary>
    /// The memory that the guest has, in KiB: its available memory, less the balloon if the guest counts that as available (deflate-on-oom,
    /// Windows). Null if unknown.
    /// </summary>
    /// <param name="stats">Its sample.</param>
    public static ulong? AvailableKiB(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return stats.Used switch
        {
            { Formula: UsedMemoryFormula.AvailableMinusUsableMinusBalloon } used => used.KiB + stats.UsableKiB,
            { Formula: UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon } used => used.KiB + stats.UnusedKiB + stats.DiskCachesKiB,
            { Formula: UsedMemoryFormula.AvailableMinusUnusedMinusBalloon } used => used.KiB + stats.UnusedKiB,
            _ => stats.AvailableKiB,
        };
    }

    /// <summary>The share of its memory that a guest uses, 0 to 1; null if unknown.</summary>
    /// <param name="stats">Its sample.</param>
    public static double? UsedShare(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return stats.Used is { } used && AvailableKiB(stats) is { } available and > 0 ? (double)used.KiB / available : null;
    }

    /// <summary>
    /// The smallest balloon size that leaves a guest what it needs and <see cref="MarginKiB"/>, in KiB; null if unknown.
    /// </summary>
    /// <param name="stats">Its sample.</param>
    public static ulong? FloorKiB(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return stats.Inconsistencies == MemoryStatsInconsistency.None ? NeededKiB(stats) + MarginKiB : null;
    }

    /// <summary>
    /// The memory that a guest cannot give up, in KiB: the memory in use, and the memory that its kernel took at boot, which is not part of
    /// <c>available</c>. Null if unknown.
    /// </summary>
    /// <param name="stats">Its sample.</param>
    public static ulong? NeededKiB(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return NeededKiB(stats.ActualAtReportKiB, FreeKiB(stats.UsableKiB, stats.UnusedKiB, stats.DiskCachesKiB), stats.Used?.KiB);
    }

    /// <inheritdoc cref="NeededKiB(MemoryStats)"/>
    /// <param name="actualAtReport">Its balloon's size when it reported: with one that moved since, what it reported would say nothing.</param>
    /// <param name="free">What it could get without swapping, by <see cref="FreeKiB"/>.</param>
    /// <param name="used">What it uses.</param>
    internal static ulong? NeededKiB(ulong? actualAtReport, ulong? free, ulong? used) =>
        actualAtReport is { } actual && free <= actual && actual - free is { } needed
        && needed >= used && needed - used <= KernelsOwnKiB(actual) ? needed : null;

    /// <summary>What programs could get without swapping, in KiB, by the best that a report tells. Null where it does not tell.</summary>
    internal static ulong? FreeKiB(ulong? usable, ulong? unused, ulong? diskCaches) => usable ?? (unused + diskCaches) ?? unused;

    // A kernel takes some hundredths of the memory, and at most 64 MiB beside for devices that cannot address all of it.
    private static ulong KernelsOwnKiB(ulong actualKiB) => (actualKiB / 8) + (128 * 1024);
}
