namespace Ballast.Drivers;

/// <summary>Processors, and what the host allows the domain.</summary>
internal partial interface IDriver
{
    /// <summary>Those that are plugged in, by number.</summary>
    ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpus");

    /// <summary>Of each that there can be, the host CPUs that it may run on.</summary>
    ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpuPinInfo");

    ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSchedulerType");

    ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMemoryParameters");
}
