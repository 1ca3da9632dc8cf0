namespace Ballast;

/// <summary>
/// The statistic that a <see cref="MemoryStat"/> contains. Tags are open: values outside this list are passed on unchanged, so a newer
/// driver, daemon or guest can report more than this version names.
/// </summary>
/// <remarks>
/// 0 to 12 are libvirt's <c>virDomainMemoryStatTags</c>. The tags from 0x4200000A on are Ballast's own, for the six
/// statistics that Linux 6.12 and QEMU 9.2 added; only callers that asked for
/// <see cref="MemoryStatsOptions.Extended"/> get them.
/// </remarks>
public enum MemoryStatTag
{
    /// <summary>Memory read back from swap since the guest booted, in KiB. Source: the guest.</summary>
    SwapIn = 0,

    /// <summary>Memory written to swap since the guest booted, in KiB. Source: the guest.</summary>
    SwapOut = 1,

    /// <summary>Page faults that needed the disk since the guest booted, a count. Source: the guest.</summary>
    MajorFault = 2,

    /// <summary>Page faults served without the disk since the guest booted, a count. Source: the guest.</summary>
    MinorFault = 3,

    /// <summary>Memory that holds nothing, not even caches (Linux: MemFree), in KiB. Source: the guest.</summary>
    Unused = 4,

    /// <summary>
    /// All memory that the guest's kernel manages (Linux: MemTotal), in KiB. It shrinks when the balloon grows, unless the guest counts the
    /// balloon as used (deflate-on-oom, Windows). Source: the guest.
    /// </summary>
    Available = 5,

    /// <summary>The balloon's current size: the memory that the guest may use, in KiB. Source: the hypervisor.</summary>
    ActualBalloon = 6,

    /// <summary>Resident memory of the hypervisor's process, in KiB. Source: the host.</summary>
    Rss = 7,

    /// <summary>Memory that the guest can allocate without swapping (Linux: MemAvailable), in KiB. Source: the guest.</summary>
    Usable = 8,

    /// <summary>When the guest last reported, in seconds of Unix time by the host's clock; 0 means never. Source: the hypervisor.</summary>
    LastUpdate = 9,

    /// <summary>File caches that the guest can reclaim, in KiB. Source: the guest.</summary>
    DiskCaches = 10,

    /// <summary>Huge pages allocated successfully since the guest booted, a count. Source: the guest.</summary>
    HugetlbPgAlloc = 11,

    /// <summary>Huge pages that could not be allocated since the guest booted, a count. Source: the guest.</summary>
    HugetlbPgFail = 12,

    /// <summary>Processes killed for lack of memory since the guest booted, a count. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    OomKills = 0x4200000A,

    /// <summary>Allocations that had to wait for reclaim since the guest booted, a count. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    AllocStalls = 0x4200000B,

    /// <summary>Memory scanned by background reclaim since the guest booted, in KiB. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    AsyncScans = 0x4200000C,

    /// <summary>Memory scanned by reclaim inside an allocation since the guest booted, in KiB. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    DirectScans = 0x4200000D,

    /// <summary>Memory freed by background reclaim since the guest booted, in KiB. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    AsyncReclaims = 0x4200000E,

    /// <summary>Memory freed by reclaim inside an allocation since the guest booted, in KiB. Source: the guest (Linux 6.12, QEMU 9.2).</summary>
    DirectReclaims = 0x4200000F,
}
