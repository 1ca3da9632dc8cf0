namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    // As many as the host has, on which each may run; libvirt's says that the last of all it tells of runs them.
    private const int HostCpus = 8, LastCpu = 15;

    private static readonly CpuSet AllHostCpus = new(HostCpus, Enumerable.Range(0, HostCpus));

    public ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        GetVirtualCpuCountAsync(domain, VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Maximum, cancellationToken);

    public ValueTask<int> GetVirtualCpuCountAsync(DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken)
    {
        const VirtualCpuCountFlags impact = VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Config;
        RefuseFlags((uint)(flags & ~(impact | VirtualCpuCountFlags.Maximum)), "testDomainGetVcpusFlags");
        TestDefinition definition = Domains.Get(domain).Part((DomainModificationImpact)(flags & impact));
        return new((flags & VirtualCpuCountFlags.Maximum) != 0 ? definition.MaxVcpus : definition.Vcpus);
    }

    /// <summary>The time of day stands for the time that a processor has run.</summary>
    public ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        if (!now.IsActive)
        {
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test,
                "cannot list vcpus for an inactive domain");
        }

        TimeSpan time = _time.GetUtcNow() - DateTimeOffset.UnixEpoch;
        return new([.. Enumerable.Range(0, now.Definition.Vcpus).Select(number =>
            new VirtualCpu(number, VirtualCpuState.Running, time, LastCpu, AllHostCpus))]);
    }

    public ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainGetVcpuPinInfo", ErrorOrigin.Test);
        return new([.. Enumerable.Repeat(AllHostCpus, Domains.Get(domain).Part(impact).MaxVcpus)]);
    }

    public ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainGetMetadata", ErrorOrigin.Test);
        TestDefinition definition = Domains.Get(domain).Part(impact);
        string? found = type switch
        {
            DomainMetadataType.Description => definition.Description,
            DomainMetadataType.Title => definition.Title,
            DomainMetadataType.Element => TestMetadata.Find(definition.Metadata, uri!),
            _ => throw UnknownMetadata(type),
        };
        return new(found ?? throw DomainRules.NoMetadata());
    }
}
