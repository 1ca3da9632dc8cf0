using System.Globalization;

namespace Ballast;

/// <summary>Labels and units of <see cref="MemoryStatTag"/>.</summary>
public static class MemoryStatTagExtensions
{
    /// <summary>
    /// The label, as in <c>dommemstat</c>, libvirt's Python bindings and JSON (<c>swap_in</c>); a decimal number if this version does
    /// not name the tag.
    /// </summary>
    public static string Label(this MemoryStatTag tag) =>
        MemoryStatTable.Find(tag)?.Label ?? ((int)tag).ToString(CultureInfo.InvariantCulture);

    /// <summary>The unit of the tag's values.</summary>
    public static MemoryStatUnit Unit(this MemoryStatTag tag) => MemoryStatTable.Find(tag)?.Unit ?? MemoryStatUnit.Unknown;

    /// <summary>Whether this version names the tag.</summary>
    public static bool IsKnown(this MemoryStatTag tag) => MemoryStatTable.Find(tag) is not null;

    /// <summary>
    /// The field of bulk statistics that carries the tag (<c>balloon.last-update</c>), or null where libvirt has none
    /// (<see cref="MemoryStatTag.ActualBalloon"/>, Ballast's own tags and unknown ones).
    /// </summary>
    internal static string? BalloonField(this MemoryStatTag tag) => MemoryStatTable.Find(tag)?.BulkField;
}
