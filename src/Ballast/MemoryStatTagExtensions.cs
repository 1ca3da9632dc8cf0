using System.Globalization;

namespace Ballast;

/// <summary>Labels and units of <see cref="MemoryStatTag"/>.</summary>
public static class MemoryStatTagExtensions
{
    /// <summary>
    /// The label that <c>dommemstat</c>, libvirt's Python bindings and JSON output use (<c>swap_in</c>), or the
    /// number in decimal for a tag that this version does not name.
    /// </summary>
    public static string Label(this MemoryStatTag tag) => tag switch
    {
        MemoryStatTag.SwapIn => "swap_in",
        MemoryStatTag.SwapOut => "swap_out",
        MemoryStatTag.MajorFault => "major_fault",
        MemoryStatTag.MinorFault => "minor_fault",
        MemoryStatTag.Unused => "unused",
        MemoryStatTag.Available => "available",
        MemoryStatTag.ActualBalloon => "actual",
        MemoryStatTag.Rss => "rss",
        MemoryStatTag.Usable => "usable",
        MemoryStatTag.LastUpdate => "last_update",
        MemoryStatTag.DiskCaches => "disk_caches",
        MemoryStatTag.HugetlbPgAlloc => "hugetlb_pgalloc",
        MemoryStatTag.HugetlbPgFail => "hugetlb_pgfail",
        MemoryStatTag.OomKills => "oom_kills",
        MemoryStatTag.AllocStalls => "alloc_stalls",
        MemoryStatTag.AsyncScans => "async_scans",
        MemoryStatTag.DirectScans => "direct_scans",
        MemoryStatTag.AsyncReclaims => "async_reclaims",
        MemoryStatTag.DirectReclaims => "direct_reclaims",
        _ => ((int)tag).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The unit of the tag's values.</summary>
    public static MemoryStatUnit Unit(this MemoryStatTag tag) => tag switch
    {
        MemoryStatTag.MajorFault or MemoryStatTag.MinorFault
            or MemoryStatTag.HugetlbPgAlloc or MemoryStatTag.HugetlbPgFail
            or MemoryStatTag.OomKills or MemoryStatTag.AllocStalls => MemoryStatUnit.Count,
        MemoryStatTag.LastUpdate => MemoryStatUnit.UnixSeconds,
        (>= MemoryStatTag.SwapIn and <= MemoryStatTag.DiskCaches)
            or (>= MemoryStatTag.AsyncScans and <= MemoryStatTag.DirectReclaims) => MemoryStatUnit.KiB,
        _ => MemoryStatUnit.Unknown,
    };

    /// <summary>Whether this version names the tag; others are delivered with their number.</summary>
    public static bool IsKnown(this MemoryStatTag tag) => tag.Unit() != MemoryStatUnit.Unknown;

    /// <summary>
    /// The field of bulk statistics that carries the tag (<c>balloon.last-update</c>), or null where libvirt has none
    /// (<see cref="MemoryStatTag.ActualBalloon"/>, Ballast's own tags and unknown ones).
    /// </summary>
    internal static string? BalloonField(this MemoryStatTag tag) => tag switch
    {
        MemoryStatTag.SwapIn => "balloon.swap_in",
        MemoryStatTag.SwapOut => "balloon.swap_out",
        MemoryStatTag.MajorFault => "balloon.major_fault",
        MemoryStatTag.MinorFault => "balloon.minor_fault",
        MemoryStatTag.Unused => "balloon.unused",
        MemoryStatTag.Available => "balloon.available",
        MemoryStatTag.Rss => "balloon.rss",
        MemoryStatTag.Usable => "balloon.usable",
        MemoryStatTag.LastUpdate => "balloon.last-update",
        MemoryStatTag.DiskCaches => "balloon.disk_caches",
        MemoryStatTag.HugetlbPgAlloc => "balloon.hugetlb_pgalloc",
        MemoryStatTag.HugetlbPgFail => "balloon.hugetlb_pgfail",
        _ => null,
    };
}
