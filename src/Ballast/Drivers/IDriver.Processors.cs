namespace Ballast.Drivers;

/// <summary>A domain's virtual CPUs.</summary>
internal partial interface IDriver
{
    /// <summary>The virtual CPUs that are plugged in, by number.</summary>
    ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpus");

    /// <summary>The host CPUs on which each possible virtual CPU may run.</summary>
    ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpuPinInfo");

    ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMaxVcpus");

    ValueTask<int> GetVirtualCpuCountAsync(DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpusFlags");

    /// <summary>Sets how many virtual CPUs there are, or, in a definition, how many there can be.</summary>
    ValueTask SetVirtualCpuCountAsync(
        DomainIdentity domain, int count, bool isMaximum, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetVcpusFlags");

    /// <summary>The time that a domain has used on all CPUs of the host together.</summary>
    ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetCPUStats");

    /// <summary>The same for each CPU of the host, beginning with <paramref name="first"/>.</summary>
    ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        DomainIdentity domain, int first, int count, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetCPUStats");

    ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSchedulerType");

    ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSchedulerParameters");
}
