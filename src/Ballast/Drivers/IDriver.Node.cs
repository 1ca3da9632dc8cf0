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

    /// <summary>The most virtual CPUs that a domain of that type can have; null: of the default type.</summary>
    ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetMaxVcpus");

    ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetInfo");

    /// <summary>In KiB: of one NUMA cell, or of all where it is −1.</summary>
    ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(int cell, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetMemoryStats");

    /// <summary>In nanoseconds since boot: of one CPU, or of all where it is −1.</summary>
    ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCPUStats");

    /// <summary>In bytes.</summary>
    ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetFreeMemory");

    /// <summary>Of each NUMA cell from the first on, in bytes; never more than asked for.</summary>
    ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCellsFreeMemory");

    /// <summary>Of each CPU whether it is online.</summary>
    ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetCPUMap");
}
