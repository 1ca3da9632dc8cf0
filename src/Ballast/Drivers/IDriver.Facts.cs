namespace Ballast.Drivers;

/// <summary>What clients ask beside memory and state: much of it is empty for most domains.</summary>
internal partial interface IDriver
{
    ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMaxVcpus");

    ValueTask<int> GetVirtualCpuCountAsync(DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetVcpusFlags");

    ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMetadata");

    ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainReboot");
}
