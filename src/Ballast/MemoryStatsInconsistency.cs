using System.Globalization;

namespace Ballast;

/// <summary>
/// Contradictions between numbers that are plausible on their own. The numbers are returned anyway, and flagged.
/// </summary>
[Flags]
public enum MemoryStatsInconsistency
{
    /// <summary>None found.</summary>
    None = 0,

    /// <summary>The guest reports more memory than the domain's maximum.</summary>
    AvailableAboveMaximum = 1,

    /// <summary>The guest reports more usable than available memory.</summary>
    UsableAboveAvailable = 2,

    /// <summary>The guest reports more unused than available memory.</summary>
    UnusedAboveAvailable = 4,

    /// <summary>
    /// A counter is lower than in the previous report, although no reset is known: the guest's driver reports wrong numbers, or a reset went
    /// unnoticed. Not set if the guest may have been reset between the two reports.
    /// </summary>
    CounterWentBackwards = 8,

    /// <summary>The guest reports more caches and unused memory together than available memory.</summary>
    DiskCachesAboveAvailable = 16,

    /// <summary>
    /// The last report is more than a second in the future: the host's clock was set back, or the number is wrong. Its age
    /// is unknown.
    /// </summary>
    LastUpdateInFuture = 32,

    /// <summary>The balloon's size is above the domain's maximum. QEMU passes on what the guest writes.</summary>
    ActualAboveMaximum = 64,

    /// <summary>The guest reports more memory than its balloon leaves it, though its driver subtracts the balloon.</summary>
    AvailableAboveActual = 128,

    /// <summary>The guest reports more usable (or, without that, unused) memory than its balloon leaves it.</summary>
    UsableAboveActual = 256,

    /// <summary>The guest reports that it has no memory at all.</summary>
    AvailableZero = 512,
}

/// <summary>Texts for <see cref="MemoryStatsInconsistency"/>.</summary>
public static class MemoryStatsInconsistencyExtensions
{
    /// <summary>
    /// The contradictions, with the labels of <see cref="MemoryStatTag"/> ("usable above available"); several are separated
    /// by commas. Empty for none; a decimal number if this version does not know the bit.
    /// </summary>
    public static string Label(this MemoryStatsInconsistency found) => found switch
    {
        MemoryStatsInconsistency.None => "",
        MemoryStatsInconsistency.AvailableAboveMaximum => "available above maximum",
        MemoryStatsInconsistency.UsableAboveAvailable => "usable above available",
        MemoryStatsInconsistency.UnusedAboveAvailable => "unused above available",
        MemoryStatsInconsistency.CounterWentBackwards => "counter went backwards",
        MemoryStatsInconsistency.DiskCachesAboveAvailable => "disk_caches above available",
        MemoryStatsInconsistency.LastUpdateInFuture => "last_update in the future",
        MemoryStatsInconsistency.ActualAboveMaximum => "actual above maximum",
        MemoryStatsInconsistency.AvailableAboveActual => "available above actual",
        MemoryStatsInconsistency.UsableAboveActual => "usable above actual",
        MemoryStatsInconsistency.AvailableZero => "available is zero",
        _ when !uint.IsPow2((uint)found) => string.Join(", ", Each(found).Select(Label)),
        _ => ((uint)found).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The bits one by one, lowest first.</summary>
    private static IEnumerable<MemoryStatsInconsistency> Each(MemoryStatsInconsistency found)
    {
        for (uint left = (uint)found; left != 0; left &= left - 1)
            yield return (MemoryStatsInconsistency)(left & ~(left - 1));
    }
}
