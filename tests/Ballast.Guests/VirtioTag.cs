namespace Ballast.Guests;

/// <summary>The tags of the balloon's statistics queue (virtio's, not libvirt's).</summary>
public static class VirtioTag
{
    public const ushort SwapIn = 0;
    public const ushort SwapOut = 1;
    public const ushort MajorFaults = 2;
    public const ushort MinorFaults = 3;
    public const ushort FreeMemory = 4;
    public const ushort TotalMemory = 5;
    public const ushort AvailableMemory = 6;
    public const ushort DiskCaches = 7;
    public const ushort HugetlbAllocations = 8;
    public const ushort HugetlbFailures = 9;

    /// <summary>The keys of QEMU's <c>guest-stats</c>, in the order of their tags.</summary>
    public static readonly IReadOnlyList<string> Keys =
    [
        "stat-swap-in", "stat-swap-out", "stat-major-faults", "stat-minor-faults", "stat-free-memory",
        "stat-total-memory", "stat-available-memory", "stat-disk-caches", "stat-htlb-pgalloc", "stat-htlb-pgfail",
    ];
}
