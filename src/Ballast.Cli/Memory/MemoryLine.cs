using Ballast.Balance.Advice;

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
    /// <summary>Whether its numbers may be summed: they are current and do not contradict each other.</summary>
    public bool IsSummed => Stats.Reason == MemoryStatsReason.Fresh && Stats.Used is not null && !HasBalloonMoved;

    /// <summary>Whether its balloon moved at an earlier look that showed the same report.</summary>
    public bool HasMovedSinceLastLook { get; init; }

    /// <summary>Whether its report is of a balloon of another size, as far as anybody knows.</summary>
    public bool HasBalloonMoved => HasMovedSinceLastLook || Stats.HasBalloonMoved;

    /// <inheritdoc cref="GuestShortage.AvailableKiB"/>
    public ulong? AvailableKiB => GuestShortage.AvailableKiB(Stats);

    /// <inheritdoc cref="GuestShortage.UsedShare"/>
    public double? UsedShare => GuestShortage.UsedShare(Stats);

    /// <inheritdoc cref="GuestShortage.IsShort"/>
    public bool IsShort => (Stats.HasBalloonMoved || !HasMovedSinceLastLook) && GuestShortage.IsShort(Stats, MaximumKiB, Rates?.SwapOutKiB);

    /// <summary>
    /// What the host could get back: of the smaller of balloon and resident memory, what the guest can do without. Null where the
    /// numbers do not tell.
    /// </summary>
    public ulong? ReclaimableKiB
    {
        get
        {
            if (!IsSummed || GuestShortage.FloorKiB(Stats) is not { } floor || Stats is not { ActualKiB: { } actual, RssKiB: { } resident })
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
