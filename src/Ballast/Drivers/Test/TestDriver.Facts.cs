namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    // As many as the host has, however many it tells of.
    private const int HostCpus = 8;

    private const ulong CpuTime = 48772617035;

    private int ToldCpus => (int)Int128.Clamp((Int128)Node.Nodes * Node.Sockets * Node.Cores * Node.Threads, 0, int.MaxValue);

    /// <summary>Each virtual CPU may run on all, and libvirt's says that the last of all it tells of runs it.</summary>
    private CpuSet AllHostCpus => new(HostCpus, Enumerable.Range(0, Math.Min(HostCpus, ToldCpus)));

    public ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        GetVirtualCpuCountAsync(domain, VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Maximum, cancellationToken);

    public ValueTask<int> GetVirtualCpuCountAsync(DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken)
    {
        const VirtualCpuCountFlags impact = VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Config;
        RefuseFlags((uint)(flags & ~(impact | VirtualCpuCountFlags.Maximum)), "testDomainGetVcpusFlags");
        TestDefinition definition = Domains.Get(domain).Part((DomainModificationImpact)(flags & impact));
        return new((flags & VirtualCpuCountFlags.Maximum) != 0 ? definition.MaxVcpus : definition.Vcpus);
    }

    public ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        if (!now.IsActive)
        {
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test,
                "cannot list vcpus for an inactive domain");
        }

        return new([.. Enumerable.Range(0, now.Definition.Vcpus).Select(number =>
            new VirtualCpu(number, VirtualCpuState.Running, VirtualCpuTimeNow, ToldCpus - 1, AllHostCpus))]);
    }

    public ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        // Flags that it does not know are no error here.
        const DomainModificationImpact known = DomainModificationImpact.Live | DomainModificationImpact.Config;
        return new([.. Enumerable.Repeat(AllHostCpus, Domains.Get(domain).Part(impact & known).MaxVcpus)]);
    }

    public ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        _ = Domains.Get(domain);
        return new("fair");
    }

    public ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        // The call with flags takes none; its clients always add that they can read text.
        const uint readsText = 4;
        if (impact != DomainModificationImpact.Current)
            throw LibvirtError.UnsupportedFlags((uint)impact | readsText, "testDomainGetSchedulerParametersFlags", ErrorOrigin.Test);
        _ = Domains.Get(domain);
        return new([TypedParameter.UInt("weight", 50)]);
    }

    public ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainGetMemoryParameters", ErrorOrigin.Test);
        _ = Domains.Get(domain).Part(impact);
        return new(default(DomainMemoryLimits));
    }

    public ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainGetNumaParameters", ErrorOrigin.Test);
        DomainRules.RefuseBoth(impact);
        _ = Domains.Get(domain).Part(impact);
        return new([TypedParameter.Int("numa_mode", 0), TypedParameter.String("numa_nodeset", "")]);
    }

    public ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Domains.Get(domain).RequireActive();
        return new(
        [
            TypedParameter.ULLong("cpu_time", CpuTime), TypedParameter.ULLong("user_time", 5540000000),
            TypedParameter.ULLong("system_time", 6460000000),
        ]);
    }

    public ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        DomainIdentity domain, int first, int count, CancellationToken cancellationToken)
    {
        // As many, whatever the domain and its host have.
        const int cpus = 2;
        const ulong ofEmulator = 1234567890;
        Domains.Get(domain).RequireActive();
        if (first >= cpus)
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                $"start_cpu {first} larger than maximum of {cpus - 1}");
        }

        return new([.. Enumerable.Range(0, cpus).Skip(first).Take(count)
            .Select(cpu => (CpuTime / cpus) + (ulong)cpu)
            .Select(time => (IReadOnlyList<TypedParameter>)[TypedParameter.ULLong("cpu_time", time), TypedParameter.ULLong("vcpu_time", time - ofEmulator)])]);
    }

    /// <summary>Numbers that grow, whatever the sizes and the cells.</summary>
    public ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken)
    {
        List<ulong> counts = [];
        for (ulong count = 6; counts.Count < (long)sizes.Count * cells;)
            counts.Add(count = (count * 2) + 7);
        return new(counts);
    }

    public ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Domains.Get(domain).RequireActive();
        return new(default(DomainControlInfo));
    }

    public ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainGetMetadata", ErrorOrigin.Test);
        TestDomain now = Domains.Get(domain);
        if (!Enum.IsDefined(type))
            throw UnknownMetadata(type);
        TestDefinition definition = now.Part(impact);
        string? found = type switch
        {
            DomainMetadataType.Description => definition.Description,
            DomainMetadataType.Title => definition.Title,
            _ => TestMetadata.Find(definition.Metadata, uri!),
        };
        return new(found ?? throw DomainRules.NoMetadata());
    }
}
