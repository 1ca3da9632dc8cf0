namespace Ballast;

/// <summary>
/// The host's memory, for decisions about balloons. Sizes are in KiB. An unknown number is null, never zero. Source: the host's kernel.
/// </summary>
public sealed record HostMemory
{
    /// <summary>
    /// Why numbers are missing: <see cref="MemoryStatsReason.UnsupportedByDaemon"/> if the daemon is libvirt's, which reports only
    /// <see cref="TotalKiB"/>, <see cref="FreeKiB"/> and enough to estimate <see cref="AvailableKiB"/>; else
    /// <see cref="MemoryStatsReason.Fresh"/>.
    /// </summary>
    public MemoryStatsReason Reason { get; init; }

    /// <summary>All memory.</summary>
    public ulong? TotalKiB { get; init; }

    /// <summary>Unused memory, without caches (MemFree).</summary>
    public ulong? FreeKiB { get; init; }

    /// <summary>Memory that programs can get without swapping (MemAvailable).</summary>
    public ulong? AvailableKiB { get; init; }

    /// <summary>All swap; 0 if there is none.</summary>
    public ulong? SwapTotalKiB { get; init; }

    /// <summary>Free swap.</summary>
    public ulong? SwapFreeKiB { get; init; }

    /// <summary>Memory saved by merging equal pages (KSM); 0 if the kernel has no KSM.</summary>
    public ulong? MergedKiB { get; init; }

    /// <summary>How long at least one task waited for memory; null if the kernel does not account for it.</summary>
    public MemoryPressure? SomePressure { get; init; }

    /// <summary>How long all tasks waited for memory at once; null if the kernel does not account for it.</summary>
    public MemoryPressure? FullPressure { get; init; }

    /// <summary>The requested control group; null if none was requested, or there is none with that path.</summary>
    public MemoryGroup? Group { get; init; }
}

/// <summary>Memory pressure (PSI): the share of time in which tasks of the host waited for memory, from 0 to 1.</summary>
/// <param name="Last10Seconds">The mean of about the last 10 seconds.</param>
/// <param name="Last60Seconds">The mean of about the last 60 seconds.</param>
/// <param name="Last300Seconds">The mean of about the last 300 seconds.</param>
/// <param name="Total">The total of that time since the host booted.</param>
public readonly record struct MemoryPressure(double Last10Seconds, double Last60Seconds, double Last300Seconds, TimeSpan Total);

/// <summary>
/// A memory control group of the host, in KiB. A limit is the lowest of the group's own and those of its parent groups, each less the
/// memory of other groups and processes under that limit.
/// </summary>
/// <param name="MaxKiB">The hard limit; the kernel kills a process that would exceed it. Null: there is none, or it is unknown (<see cref="HasUnknownLimits"/>).</param>
/// <param name="HighKiB">The limit above which the kernel slows the group down and reclaims its memory. Null: there is none, or it is unknown.</param>
/// <param name="CurrentKiB">The group's memory, including file caches; null if unknown.</param>
public readonly record struct MemoryGroup(ulong? MaxKiB, ulong? HighKiB, ulong? CurrentKiB)
{
    /// <summary>
    /// The part of the group's memory that the kernel cannot drop: memory of programs, shared memory and the kernel's own; null if
    /// unknown.
    /// </summary>
    public ulong? UnreclaimableKiB { get; init; }

    /// <summary>
    /// The first of the limits that hold for the group, from its own upwards: together they are what <see cref="MaxKiB"/> and
    /// <see cref="HighKiB"/> are calculated from. Null if there is none, or if an older daemon does not report them.
    /// </summary>
    public MemoryGroupLimit? NearestLimit { get; init; }

    /// <summary>
    /// Whether a limit of the group or of a parent group, or what is held under one, could not be read: then there may be lower limits than
    /// those that are known. Limits that Ballast cannot see count, too.
    /// </summary>
    public bool HasUnknownLimits { get; init; }

    /// <summary>The lower of both limits; null if there is none, or none is known.</summary>
    public ulong? LimitKiB => MaxKiB < HighKiB || HighKiB is null ? MaxKiB : HighKiB;
}

/// <summary>
/// A memory limit that holds for a control group: its own or that of one of its parent groups, which all groups below that one share.
/// Sizes are in KiB.
/// </summary>
/// <param name="Levels">How many levels above the group the limit is set: 0 for its own, 1 for that of its parent group.</param>
/// <param name="LimitKiB">The lower of the hard limit and the limit above which the kernel slows the group down, as set there.</param>
/// <param name="UnreclaimableKiB">
/// The part of the memory of the group where the limit is set, and of all groups below, that the kernel cannot drop; null if unknown.
/// </param>
/// <param name="Next">The next limit further up; null if there is none.</param>
public sealed record MemoryGroupLimit(int Levels, ulong LimitKiB, ulong? UnreclaimableKiB, MemoryGroupLimit? Next);
