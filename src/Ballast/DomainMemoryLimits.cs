namespace Ballast;

/// <summary>The host's memory limits for a domain's process, in KiB; null for no limit. These are libvirt's memory parameters.</summary>
/// <param name="HardKiB">The hard limit of memory; the kernel ends a process that exceeds it.</param>
/// <param name="SoftKiB">The soft limit of memory; under pressure, memory above it is reclaimed first.</param>
/// <param name="SwapHardKiB">The hard limit of memory and swap together.</param>
public readonly record struct DomainMemoryLimits(ulong? HardKiB, ulong? SoftKiB, ulong? SwapHardKiB)
{
    internal const string Hard = "hard_limit", Soft = "soft_limit", SwapHard = "swap_hard_limit";

    // libvirt's number for no limit.
    internal const ulong Unlimited = (1UL << 53) - 1;

    /// <summary>The limits by libvirt's names and in its order; a very large number stands for no limit.</summary>
    public IReadOnlyList<TypedParameter> ToParameters() =>
    [
        TypedParameter.ULLong(Hard, HardKiB ?? Unlimited),
        TypedParameter.ULLong(Soft, SoftKiB ?? Unlimited),
        TypedParameter.ULLong(SwapHard, SwapHardKiB ?? Unlimited),
    ];
}
