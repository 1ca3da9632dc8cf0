namespace Ballast.Balance.Advice;

/// <summary>
/// Whether a guest is short of memory now, by its last report: the one definition for everything that says so. Memory that a policy would
/// give it for later needs does not count.
/// </summary>
public static class GuestShortage
{
    /// <summary>From this share of its memory in use on, a guest is short of it.</summary>
    public const double FullShare = 0.9;

    /// <summary>What a guest keeps besides what it needs, in KiB.</summary>
    public const ulong MarginKiB = 32 * 1024;

    // A balloon is never quite as large as it was told to be.
    private const double Shrunk = 0.98;

    /// <summary>
    /// Whether it uses nine tenths of its memory or more, writes to swap, or was left less by its balloon than it needs. False where its
    /// numbers are not current or contradict each other, or its balloon gave it more since its report: nobody knows. Where nobody knows
    /// which way its balloon moved, only what it writes to swap counts.
    /// </summary>
    /// <param name="stats">Its sample.</param>
    /// <param name="maximumKiB">The largest size that its balloon may be given; null where nobody knows.</param>
    /// <param name="swapOut">What it wrote to swap between its last two reports, in any unit; null where nobody knows.</param>
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

    /// <summary>Whether a balloon of this size holds something that it could give back.</summary>
    /// <param name="actualKiB">The balloon's size.</param>
    /// <param name="maximumKiB">The largest that it may be given; null where nobody knows.</param>
    public static bool IsShrunk(ulong actualKiB, ulong? maximumKiB) => actualKiB < maximumKiB * Shrunk;

    /// <summary>
    /// What the guest has, in KiB: its available memory, without the balloon where it counts that (as with deflate-on-oom). Null where
    /// that is unknown.
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

    /// <summary>What it uses of what it has, 0 to 1; null where that is unknown.</summary>
    /// <param name="stats">Its sample.</param>
    public static double? UsedShare(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return stats.Used is { } used && AvailableKiB(stats) is { } available and > 0 ? (double)used.KiB / available : null;
    }

    /// <summary>The smallest size of its balloon, in KiB, that leaves a guest what it needs and something to spare; null where nobody knows.</summary>
    /// <param name="stats">Its sample.</param>
    public static ulong? FloorKiB(MemoryStats stats)
    {
        ArgumentNullException.ThrowIfNull(stats);
        return stats.Inconsistencies == MemoryStatsInconsistency.None ? NeededKiB(stats) + MarginKiB : null;
    }

    /// <summary>
    /// What the guest has and could not give up, in KiB: what it uses, and what its kernel took at boot, which it does not count as
    /// memory. Null where nobody knows.
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
