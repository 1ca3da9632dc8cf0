namespace Ballast;

/// <summary>The host's memory limits for a domain's process, in KiB; null for no limit. These are libvirt's memory parameters.</summary>
/// <param name="HardKiB">The hard limit of memory; the kernel ends a process that exceeds it.</param>
/// <param name="SoftKiB">The soft limit of memory; under pressure, memory above it is reclaimed first.</param>
/// <param name="SwapHardKiB">The hard limit of memory and swap together.</param>
public readonly record struct DomainMemoryLimits(ulong? HardKiB, ulong? SoftKiB, ulong? SwapHardKiB);
