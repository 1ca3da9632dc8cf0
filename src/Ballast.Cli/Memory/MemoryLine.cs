using Ballast.Cli.Commands;

namespace Ballast.Cli.Memory;

/// <summary>What changed between two reports of a guest.</summary>
/// <param name="SwapInKiB">KiB read from swap, a second.</param>
/// <param name="SwapOutKiB">KiB written to swap, a second.</param>
/// <param name="MajorFaults">Faults that read from a disk, a second.</param>
internal sealed record MemoryRates(double? SwapInKiB, double? SwapOutKiB, double? MajorFaults)
{
    public double? SwapKiB => SwapInKiB + SwapOutKiB;
}

/// <summary>One guest in the table of the host.</summary>
/// <param name="Domain">The guest.</param>
/// <param name="Stats">Its sample.</param>
/// <param name="MaximumKiB">The largest size that its balloon may be given.</param>
/// <param name="Rates">Since the last look; null where there was none, or the guest has not reported since.</param>
internal sealed record MemoryLine(Domain Domain, MemoryStats Stats, ulong? MaximumKiB, MemoryRates? Rates)
{
    // From here on a guest is called short of memory.
    private const double PressedShare = 0.8;

    /// <summary>Whether its numbers may be summed: they are current and do not contradict each other.</summary>
    public bool IsSummed => Stats.Reason == MemoryStatsReason.Fresh && Stats.Used is not null;

    /// <summary>
    /// What the guest has: its available memory, without the balloon where it counts that (as with deflate-on-oom). Null where that is
    /// unknown.
    /// </summary>
    public ulong? AvailableKiB => Stats.Used switch
    {
        { Formula: UsedMemoryFormula.AvailableMinusUsableMinusBalloon } used => used.KiB + Stats.UsableKiB,
        { Formula: UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon } used => used.KiB + Stats.UnusedKiB + Stats.DiskCachesKiB,
        { Formula: UsedMemoryFormula.AvailableMinusUnusedMinusBalloon } used => used.KiB + Stats.UnusedKiB,
        _ => Stats.AvailableKiB,
    };

    /// <summary>What it uses of what it has, 0 to 1; null where that is unknown.</summary>
    public double? UsedShare => Stats.Used is { } used && AvailableKiB is { } available and > 0 ? (double)used.KiB / available : null;

    /// <summary>It uses most of its memory, or writes to swap.</summary>
    public bool IsPressed => UsedShare >= PressedShare || Rates?.SwapOutKiB > 0;

    /// <summary>
    /// What the host could get back: of the smaller of balloon and resident memory, what the guest can do without. Null where the
    /// numbers do not tell.
    /// </summary>
    public ulong? ReclaimableKiB
    {
        get
        {
            if (!IsSummed || SetMemCheck.Floor(Stats) is not { } floor || Stats is not { ActualKiB: { } actual, RssKiB: { } resident })
                return null;
            ulong held = Math.Min(actual, resident);
            return held > floor ? held - floor : 0;
        }
    }

    // Who swaps comes before who is full; whose share is unknown, last.
    private double Pressure => (UsedShare ?? -1) + (Rates?.SwapOutKiB > 0 ? 1 : 0) + (Rates?.SwapInKiB > 0 ? 0.5 : 0);

    /// <summary>The one under most pressure first.</summary>
    public static int ByPressure(MemoryLine one, MemoryLine other) => other.Pressure.CompareTo(one.Pressure);

    public static int ByName(MemoryLine one, MemoryLine other) => string.CompareOrdinal(one.Domain.Name, other.Domain.Name);
}
