namespace Ballast;

/// <summary>
/// A hypervisor's process as the host's kernel sees it. It shows whether the balloon gives the host memory back, and whether the
/// process's resident memory (<see cref="MemoryStats.RssKiB"/>) shows what the host holds of the guest. Sizes are in KiB. An unknown
/// number is null, never zero. Source: the host's kernel, unless stated otherwise.
/// </summary>
public sealed record ProcessMemory
{
    /// <summary>
    /// Why numbers are missing: <see cref="MemoryStatsReason.UnsupportedByDaemon"/> (libvirt's daemon does not report them),
    /// <see cref="MemoryStatsReason.ProcessNotFound"/> (the process is not visible to this one),
    /// <see cref="MemoryStatsReason.PermissionDenied"/> (its files cannot be read); else <see cref="MemoryStatsReason.Fresh"/>.
    /// </summary>
    public MemoryStatsReason Reason { get; init; }

    /// <summary>Memory that the host has swapped out; it is not resident.</summary>
    public ulong? SwappedKiB { get; init; }

    /// <summary>Locked memory: no balloon gives it back.</summary>
    public ulong? LockedKiB { get; init; }

    /// <summary>Memory pinned for passed-through devices: no balloon gives it back.</summary>
    public ulong? PinnedKiB { get; init; }

    /// <summary>Memory in huge pages of hugetlbfs: it is not resident, and no balloon gives it back.</summary>
    public ulong? HugePagesKiB { get; init; }

    /// <summary>Memory merged with equal pages of other processes (KSM); null before Linux 6.1, and for another user's process.</summary>
    public ulong? MergedKiB { get; init; }

    /// <summary>Whether the guest reports free pages, so that resident memory falls without the balloon. Source: the hypervisor.</summary>
    public bool? ReportsFreePages { get; init; }

    /// <summary>Whether the guest deflates its balloon before it kills a program (deflate-on-oom). Source: the hypervisor.</summary>
    public bool? DeflatesOnOom { get; init; }

    /// <summary>The time since the process started.</summary>
    public TimeSpan? RunTime { get; init; }

    /// <summary>The path of its memory control group, relative to the directory where control groups are mounted.</summary>
    public string? GroupPath { get; init; }

    /// <summary>
    /// That group; null if there is no memory controller. If this process cannot read or see the group, it is one with
    /// <see cref="MemoryGroup.HasUnknownLimits"/>.
    /// </summary>
    public MemoryGroup? Group { get; init; }
}

/// <summary>The process of one domain.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Memory">What the host reports about its process.</param>
public readonly record struct DomainProcessMemory(Domain Domain, ProcessMemory Memory);
