namespace Ballast.Drivers;

/// <summary>The host that the domains run on; libvirt calls it the node.</summary>
internal partial interface IDriver
{
    ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetHostname");

    /// <summary>libvirt's capabilities XML.</summary>
    ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetCapabilities");

    /// <summary>libvirt's sysinfo XML.</summary>
    ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetSysinfo");

    /// <summary>The most virtual CPUs that a domain of that type can have; null: the default type.</summary>
    ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetMaxVcpus");

    /// <summary>The CPU models of an architecture; empty if every model that the hypervisor knows may be used.</summary>
    ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetCPUModelNames");

    ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetSecurityModel");

    /// <summary>The number of storage pools that pass libvirt's filters.</summary>
    ValueTask<int> CountStoragePoolsAsync(uint filter, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectListAllStoragePools");

    ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetInfo");

    /// <summary>In KiB, for one NUMA cell, or for all if it is −1.</summary>
    ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(int cell, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetMemoryStats");

    /// <summary>In nanoseconds since boot, for one CPU, or for all if it is −1.</summary>
    ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCPUStats");

    /// <summary>In bytes.</summary>
    ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetFreeMemory");

    /// <summary>For each NUMA cell, beginning with <paramref name="firstCell"/>, in bytes; at most <paramref name="count"/> of them.</summary>
    ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCellsFreeMemory");

    /// <summary>The number of free pages of each size (in KiB), for each NUMA cell beginning with <paramref name="firstCell"/>; cell by cell.</summary>
    ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetFreePages");

    /// <summary>Whether each CPU is online.</summary>
    ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCPUMap");
}
