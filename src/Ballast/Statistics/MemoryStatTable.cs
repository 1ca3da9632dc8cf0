using static Ballast.MemoryStatCourse;
using static Ballast.MemoryStatSource;
using static Ballast.MemoryStatTag;
using static Ballast.MemoryStatUnit;

namespace Ballast;

/// <summary>
/// The one place that says which statistics there are. Everything reads it: monitor, statistics queue, order, units, labels, bulk
/// fields, wire, CLI and C. A new statistic is one more row, and a name for its tag in <see cref="MemoryStatTag"/>.
/// </summary>
internal static class MemoryStatTable
{
    /// <summary>A guest's report has room for virtio's tags below this.</summary>
    public const int MaxVirtioTags = 32;

    /// <summary>Windows' driver says −1 pages, 0xFFFFFFFFFFFFF000, where it has no value.</summary>
    public const ulong ImpossibleBytes = 1UL << 63;

    // In the order of answers, which is libvirt's; ours come after all others.
    private static readonly MemoryStatRow[] All =
    [
        // tag, label, bulk field, unit, course, and of what the guest reports: virtio's tag, QMP's name, since Linux, since QEMU
        new(ActualBalloon, "actual", null, KiB, Gauge, Hypervisor),
        new(SwapIn, "swap_in", "balloon.swap_in", KiB, Counter, 0, "stat-swap-in", "2.6.34", "1.4"),
        new(SwapOut, "swap_out", "balloon.swap_out", KiB, Counter, 1, "stat-swap-out", "2.6.34", "1.4"),
        new(MajorFault, "major_fault", "balloon.major_fault", Count, Counter, 2, "stat-major-faults", "2.6.34", "1.4"),
        new(MinorFault, "minor_fault", "balloon.minor_fault", Count, Counter, 3, "stat-minor-faults", "2.6.34", "1.4"),
        new(Unused, "unused", "balloon.unused", KiB, Gauge, 4, "stat-free-memory", "2.6.34", "1.4"),
        new(Available, "available", "balloon.available", KiB, Gauge, 5, "stat-total-memory", "2.6.34", "1.4"),
        new(Usable, "usable", "balloon.usable", KiB, Gauge, 6, "stat-available-memory", "4.6", "2.6"),
        new(LastUpdate, "last_update", "balloon.last-update", UnixSeconds, Gauge, Hypervisor),
        new(DiskCaches, "disk_caches", "balloon.disk_caches", KiB, Gauge, 7, "stat-disk-caches", "4.16", "2.12"),
        new(HugetlbPgAlloc, "hugetlb_pgalloc", "balloon.hugetlb_pgalloc", Count, Counter, 8, "stat-htlb-pgalloc", "4.18", "3.0"),
        new(HugetlbPgFail, "hugetlb_pgfail", "balloon.hugetlb_pgfail", Count, Counter, 9, "stat-htlb-pgfail", "4.18", "3.0"),
        new(Rss, "rss", "balloon.rss", KiB, Gauge, Host),
        new(OomKills, "oom_kills", null, Count, Counter, 10, "stat-oom-kills", "6.12", "9.2"),
        new(AllocStalls, "alloc_stalls", null, Count, Counter, 11, "stat-alloc-stalls", "6.12", "9.2"),
        new(AsyncScans, "async_scans", null, KiB, Counter, 12, "stat-async-scans", "6.12", "9.2"),
        new(DirectScans, "direct_scans", null, KiB, Counter, 13, "stat-direct-scans", "6.12", "9.2"),
        new(AsyncReclaims, "async_reclaims", null, KiB, Counter, 14, "stat-async-reclaims", "6.12", "9.2"),
        new(DirectReclaims, "direct_reclaims", null, KiB, Counter, 15, "stat-direct-reclaims", "6.12", "9.2"),
    ];

    private static readonly MemoryStatRow?[] ByTag = Index(MemoryStatTagSet.Capacity, row => MemoryStatTagSet.Position(row.Tag));
    private static readonly MemoryStatRow?[] ByVirtioTag = Index(MaxVirtioTags, row => row.VirtioTag);

    /// <summary>All of them, in the order of answers.</summary>
    public static ReadOnlySpan<MemoryStatRow> Rows => All;

    /// <summary>The most statistics that an answer of ours can have.</summary>
    public static int MaxCount => All.Length;

    /// <summary>virtio's tags of the counters, as bits.</summary>
    public static ulong VirtioCounters { get; } = VirtioTags(row => row.Course == Counter);

    /// <summary>The row of a tag; null where this version does not name it.</summary>
    public static MemoryStatRow? Find(MemoryStatTag tag)
    {
        int position = MemoryStatTagSet.Position(tag);
        return position < 0 ? null : ByTag[position];
    }

    /// <summary>The row of virtio's tag; null where this version does not know it.</summary>
    public static MemoryStatRow? FindVirtio(int virtioTag) => (uint)virtioTag < MaxVirtioTags ? ByVirtioTag[virtioTag] : null;

    /// <summary>The row of a member of <c>guest-stats</c>; null where this version does not know it.</summary>
    public static MemoryStatRow? FindQmp(ReadOnlySpan<byte> name)
    {
        foreach (MemoryStatRow row in All)
        {
            if (row.VirtioTag >= 0 && name.SequenceEqual(row.QmpName))
                return row;
        }

        return null;
    }

    /// <summary>
    /// What of somebody's statistics can be true, and what cannot: hypervisors, daemons and guests pass on what they were told. A tag
    /// that this version does not name stays.
    /// </summary>
    public static (MemoryStat[] Possible, MemoryStatTagSet Rejected) Sift(MemoryStat[] told)
    {
        MemoryStatTagSet rejected = default;
        foreach (MemoryStat stat in told)
        {
            if (!CanBe(stat))
                rejected = rejected.With(stat.Tag);
        }

        return (rejected.Bits == 0 ? told : Array.FindAll(told, CanBe), rejected);

        static bool CanBe(MemoryStat stat) => Find(stat.Tag)?.CanBe(stat.Value) != false;
    }

    private static MemoryStatRow?[] Index(int capacity, Func<MemoryStatRow, int> position)
    {
        MemoryStatRow?[] index = new MemoryStatRow?[capacity];
        foreach (MemoryStatRow row in All)
        {
            if (position(row) is >= 0 and int at)
                index[at] = row;
        }

        return index;
    }

    private static ulong VirtioTags(Func<MemoryStatRow, bool> isMeant) =>
        All.Where(row => row.VirtioTag >= 0 && isMeant(row)).Aggregate(0UL, (bits, row) => bits | (1UL << row.VirtioTag));
}
