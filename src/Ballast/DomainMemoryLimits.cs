namespace Ballast;

/// <summary>What the host allows a domain's process to use, in KiB; null is no limit. Libvirt's memory parameters.</summary>
/// <param name="HardKiB">Memory; beyond it the process is ended.</param>
/// <param name="SoftKiB">Memory; beyond it, it is taken away first.</param>
/// <param name="SwapHardKiB">Memory and swap together.</param>
public readonly record struct DomainMemoryLimits(ulong? HardKiB, ulong? SoftKiB, ulong? SwapHardKiB);
