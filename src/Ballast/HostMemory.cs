namespace Ballast;

/// <summary>
/// The host's memory, as its kernel tells: what a decision about balloons needs beside the guests' numbers. Sizes are in KiB. What is
/// null is not known, which is never zero.
/// </summary>
public sealed record HostMemory
{
    /// <summary>
    /// Why numbers are missing: <see cref="MemoryStatsReason.UnsupportedByDaemon"/>, where a daemon of libvirt's tells nothing but
    /// <see cref="TotalKiB"/>, <see cref="FreeKiB"/> and an estimate of <see cref="AvailableKiB"/>; else <see cref="MemoryStatsReason.Fresh"/>.
    /// </summary>
    public MemoryStatsReason Reason { get; init; }

    /// <summary>All memory.</summary>
    public ulong? TotalKiB { get; init; }

    /// <summary>Memory that nobody uses, caches excluded.</summary>
    public ulong? FreeKiB { get; init; }

    /// <summary>Memory that programs could get without swapping (MemAvailable).</summary>
    public ulong? AvailableKiB { get; init; }

    /// <summary>All swap; 0 where there is none.</summary>
    public ulong? SwapTotalKiB { get; init; }

    /// <summary>Swap that is free.</summary>
    public ulong? SwapFreeKiB { get; init; }

    /// <summary>What equal pages would take beside those that they were merged to (KSM); null where the kernel does not merge.</summary>
    public ulong? MergedKiB { get; init; }

    /// <summary>How long some task waited for memory; null where the kernel does not account for it.</summary>
    public MemoryPressure? SomePressure { get; init; }

    /// <summary>How long all tasks waited for memory at once; null where the kernel does not account for it.</summary>
    public MemoryPressure? FullPressure { get; init; }

    /// <summary>The control group that was asked for; null where there is none of that name, or none was asked for.</summary>
    public MemoryGroup? Group { get; init; }
}

/// <summary>For how much of the time tasks waited for memory, as the host's kernel accounts for it (PSI): shares from 0 to 1.</summary>
/// <param name="Last10Seconds">The mean of about the last 10 seconds.</param>
/// <param name="Last60Seconds">The mean of about the last 60 seconds.</param>
/// <param name="Last300Seconds">The mean of about the last 300 seconds.</param>
/// <param name="Total">All such time since the host booted.</param>
public readonly record struct MemoryPressure(double Last10Seconds, double Last60Seconds, double Last300Seconds, TimeSpan Total);

/// <summary>
/// A memory control group of the host, in KiB. Limits are the narrowest of the group's own and those around it, each less what
/// others hold under it.
/// </summary>
/// <param name="MaxKiB">The hard limit; the kernel ends a process that would exceed it. Null: there is none.</param>
/// <param name="HighKiB">Above it, the kernel slows the group down and reclaims its memory. Null: there is none.</param>
/// <param name="CurrentKiB">What the group holds, caches of files included; null where the kernel does not tell.</param>
public readonly record struct MemoryGroup(ulong? MaxKiB, ulong? HighKiB, ulong? CurrentKiB)
{
    /// <summary>
    /// What the group holds and the kernel cannot drop: memory of programs, shared memory and the kernel's own; null where the kernel
    /// does not tell.
    /// </summary>
    public ulong? UnreclaimableKiB { get; init; }

    /// <summary>The narrower of both limits; null where there is none.</summary>
    public ulong? LimitKiB => MaxKiB < HighKiB || HighKiB is null ? MaxKiB : HighKiB;
}
