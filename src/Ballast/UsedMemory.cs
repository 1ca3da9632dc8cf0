using System.Globalization;

namespace Ballast;

/// <summary>
/// The formula for <see cref="UsedMemory"/>: the best that the guest's report allows. A guest whose driver accepted
/// deflate-on-oom, and every Windows guest, counts the balloon as used, so the balloon is subtracted. In other Linux
/// guests, available memory shrinks as the balloon grows.
/// </summary>
public enum UsedMemoryFormula
{
    /// <summary>
    /// available − usable: what <c>free</c> of procps 4 inside the guest shows as used, except for a few MiB.
    /// </summary>
    AvailableMinusUsable,

    /// <summary>available − unused − disk_caches, for guests that do not report usable.</summary>
    AvailableMinusUnusedMinusDiskCaches,

    /// <summary>available − unused, for guests that report neither: counts caches as used.</summary>
    AvailableMinusUnused,

    /// <summary>available − usable − the balloon's size at that time.</summary>
    AvailableMinusUsableMinusBalloon,

    /// <summary>available − unused − disk_caches − the balloon's size at that time.</summary>
    AvailableMinusUnusedMinusDiskCachesMinusBalloon,

    /// <summary>available − unused − the balloon's size at that time.</summary>
    AvailableMinusUnusedMinusBalloon,
}

/// <summary>Texts for a <see cref="UsedMemoryFormula"/>.</summary>
public static class UsedMemoryFormulaExtensions
{
    /// <summary>
    /// The formula with the labels of <see cref="MemoryStatTag"/> ("available - usable"), as <c>dommemstat</c> shows it; a
    /// decimal number if this version does not know the formula.
    /// </summary>
    public static string Label(this UsedMemoryFormula formula) => formula switch
    {
        UsedMemoryFormula.AvailableMinusUsable => "available - usable",
        UsedMemoryFormula.AvailableMinusUnusedMinusDiskCaches => "available - unused - disk_caches",
        UsedMemoryFormula.AvailableMinusUnused => "available - unused",
        UsedMemoryFormula.AvailableMinusUsableMinusBalloon => "available - usable - balloon",
        UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon => "available - unused - disk_caches - balloon",
        UsedMemoryFormula.AvailableMinusUnusedMinusBalloon => "available - unused - balloon",
        _ => ((int)formula).ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>Memory that the guest uses and could not free without swapping, without its balloon.</summary>
/// <param name="KiB">The amount in KiB.</param>
/// <param name="Formula">The formula.</param>
public readonly record struct UsedMemory(ulong KiB, UsedMemoryFormula Formula)
{
    /// <summary>Null if the report is incomplete, or the result would be negative.</summary>
    internal static UsedMemory? From(ulong? available, ulong? usable, ulong? unused, ulong? diskCaches, ulong balloon)
    {
        (ulong? free, UsedMemoryFormula plain, UsedMemoryFormula net) =
            usable is not null
                ? (usable, UsedMemoryFormula.AvailableMinusUsable, UsedMemoryFormula.AvailableMinusUsableMinusBalloon)
            : diskCaches is not null
                ? (unused + diskCaches, UsedMemoryFormula.AvailableMinusUnusedMinusDiskCaches, UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon)
            : (unused, UsedMemoryFormula.AvailableMinusUnused, UsedMemoryFormula.AvailableMinusUnusedMinusBalloon);
        return available >= free && available - free >= balloon
            ? new UsedMemory((available - free - balloon).GetValueOrDefault(), balloon == 0 ? plain : net)
            : null;
    }
}
