namespace Ballast;

/// <summary>
/// What the host's kernel tells of a hypervisor's process, beside its resident memory: whether a balloon gives the host anything back,
/// and whether resident memory is a measure of its guest. Sizes are in KiB. What is null is not known, which is never zero.
/// </summary>
public sealed record ProcessMemory
{
    /// <summary>
    /// Why numbers are missing: <see cref="MemoryStatsReason.UnsupportedByDaemon"/> (a daemon of libvirt's has no word for them),
    /// <see cref="MemoryStatsReason.ProcessNotFound"/> (the process cannot be seen from here),
    /// <see cref="MemoryStatsReason.PermissionDenied"/> (its files cannot be read); else <see cref="MemoryStatsReason.Fresh"/>.
    /// </summary>
    public MemoryStatsReason Reason { get; init; }

    /// <summary>The part that the host has swapped out, which is not resident.</summary>
    public ulong? SwappedKiB { get; init; }

    /// <summary>The part that is locked: no balloon gives it back.</summary>
    public ulong? LockedKiB { get; init; }

    /// <summary>The part that is pinned for devices that are passed through: no balloon gives it back.</summary>
    public ulong? PinnedKiB { get; init; }

    /// <summary>The part in huge pages of hugetlbfs, which is not resident either: no balloon gives it back.</summary>
    public ulong? HugePagesKiB { get; init; }

    /// <summary>The part that is merged with equal pages of others (KSM); null before Linux 6.1, and for another user's process.</summary>
    public ulong? MergedKiB { get; init; }

    /// <summary>Whether the guest tells which pages are free, so that resident memory falls without the balloon. Source: the hypervisor.</summary>
    public bool? ReportsFreePages { get; init; }

    /// <summary>Whether the guest takes memory out of its balloon before it kills a program. Source: the hypervisor.</summary>
    public bool? DeflatesOnOom { get; init; }

    /// <summary>For how long the process has run.</summary>
    public TimeSpan? RunTime { get; init; }

    /// <summary>Its memory control group, as a path below where control groups are mounted.</summary>
    public string? GroupPath { get; init; }

    /// <summary>That group; null where there is no memory controller, or it is not seen from here.</summary>
    public MemoryGroup? Group { get; init; }
}

/// <summary>One domain's process.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Memory">What the host tells of its process.</param>
public readonly record struct DomainProcessMemory(Domain Domain, ProcessMemory Memory);
