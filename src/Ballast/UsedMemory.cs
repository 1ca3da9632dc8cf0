using System.Globalization;

namespace Ballast;

/// <summary>
/// How <see cref="UsedMemory"/> was computed; the best that the guest's report allows is taken. A guest whose driver was given
/// deflate-on-oom, and every Windows guest, sees all its memory whatever the balloon holds: of its numbers the balloon is
/// taken off. Other Linux guests see less memory as their balloon grows.
/// </summary>
public enum UsedMemoryFormula
{
    /// <summary>available − usable: what <c>free</c> of procps 4 inside the guest calls used, but for a few MiB.</summary>
    AvailableMinusUsable,

    /// <summary>available − unused − disk_caches, for guests that do not report usable.</summary>
    AvailableMinusUnusedMinusDiskCaches,

    /// <summary>available − unused, for guests that report neither: counts caches as used.</summary>
    AvailableMinusUnused,

    /// <summary>available − usable − what the balloon held at that time.</summary>
    AvailableMinusUsableMinusBalloon,

    /// <summary>available − unused − disk_caches − what the balloon held at that time.</summary>
    AvailableMinusUnusedMinusDiskCachesMinusBalloon,

    /// <summary>available − unused − what the balloon held at that time.</summary>
    AvailableMinusUnusedMinusBalloon,
}

/// <summary>The words for a <see cref="UsedMemoryFormula"/>.</summary>
public static class UsedMemoryFormulaExtensions
{
    /// <summary>
    /// The formula with the labels of <see cref="MemoryStatTag"/> ("available - usable"), as <c>dommemstat</c> shows it; the number in
    /// decimal for one that this version does not name.
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

/// <summary>Memory that the guest uses and could not hand out without swapping; what its balloon holds is not among it.</summary>
/// <param name="KiB">The amount in KiB.</param>
/// <param name="Formula">How it was computed.</param>
public readonly record struct UsedMemory(ulong KiB, UsedMemoryFormula Formula)
{
    /// <summary>Null where the report does not allow it, or would make less than nothing.</summary>
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
