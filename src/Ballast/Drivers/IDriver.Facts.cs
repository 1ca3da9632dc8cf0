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

    ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetJobInfo");

    /// <summary>libvirt's flags: 1 the last one that was completed, 2 and keep it.</summary>
    ValueTask<DomainJobStats> GetJobStatsAsync(DomainIdentity domain, uint flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetJobStats");

    ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetControlInfo");

    ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSchedulerParameters");

    ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetNumaParameters");

    /// <summary>The time that a domain has used on all CPUs of the host together.</summary>
    ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetCPUStats");

    /// <summary>The same of each CPU of the host, from the first one on.</summary>
    ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        DomainIdentity domain, int first, int count, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetCPUStats");

    /// <summary>A disk's counters by libvirt's names; of all disks where the name is empty.</summary>
    ValueTask<IReadOnlyList<TypedParameter>> GetBlockStatsAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainBlockStatsFlags");

    /// <summary>The same as libvirt's older call has it.</summary>
    ValueTask<DomainBlockCounters> GetBlockCountersAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainBlockStats");

    ValueTask<DomainBlockInfo> GetBlockInfoAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetBlockInfo");

    ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(DomainIdentity domain, string device, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainInterfaceStats");

    ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainReboot");

    ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainPMWakeup");

    ValueTask StartDirtyRateAsync(DomainIdentity domain, int seconds, DirtyRateMode mode, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainStartDirtyRateCalc");

    /// <summary>How many storage pools there are; libvirt's filters.</summary>
    ValueTask<int> CountStoragePoolsAsync(uint filter, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectListAllStoragePools");

    /// <summary>CPU models of an architecture; none where all that the hypervisor knows may be used.</summary>
    ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetCPUModelNames");

    /// <summary>Free pages of each size in KiB, of each NUMA cell from the first on; one cell after another.</summary>
    ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetFreePages");
}
