namespace Ballast;

/// <content>The host that the domains run on; libvirt calls it the node.</content>
public sealed partial class Connection
{
    /// <summary>Selects all NUMA cells, or all CPUs, together.</summary>
    public const int AllOfNode = -1;

    /// <summary>The host's name. Source: the host's kernel.</summary>
    public async ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetHostNameAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Returns the capabilities of the host and the hypervisor, as libvirt's capabilities XML.</summary>
    public async ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetCapabilitiesAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The host's maker, model and firmware, as libvirt's sysinfo XML.</summary>
    public async ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetSysinfoAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Returns the maximum number of virtual CPUs of a domain.</summary>
    /// <param name="type">The domain's type (<c>kvm</c>, <c>qemu</c>); null for the default.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<int> GetMaxVcpusAsync(string? type = null, CancellationToken cancellationToken = default) =>
        await Driver.GetMaxVcpusAsync(type, cancellationToken).ConfigureAwait(false);

    /// <summary>Returns the host's CPUs and memory.</summary>
    public async ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetNodeInfoAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// The host's memory, in KiB: <c>total</c> and <c>free</c>, for all cells together also <c>buffers</c> and
    /// <c>cached</c>. Source: the host's kernel.
    /// </summary>
    /// <param name="cell">The NUMA cell, or <see cref="AllOfNode"/>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: there is no such cell.</exception>
    public async ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(
        int cell = AllOfNode, CancellationToken cancellationToken = default)
    {
        RefuseBelowAll(cell, "cellNum", "virNodeGetMemoryStats");
        return await Driver.GetNodeMemoryStatsAsync(cell, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// CPU time since the host booted, in nanoseconds: <c>kernel</c>, <c>user</c>, <c>idle</c>, <c>iowait</c>.
    /// Source: the host's kernel.
    /// </summary>
    /// <param name="cpu">The CPU, or <see cref="AllOfNode"/>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: there is no such CPU.</exception>
    public async ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(
        int cpu = AllOfNode, CancellationToken cancellationToken = default)
    {
        RefuseBelowAll(cpu, "cpuNum", "virNodeGetCPUStats");
        return await Driver.GetNodeCpuStatsAsync(cpu, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The host's free memory, in bytes. Source: the host's kernel.</summary>
    public async ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetFreeMemoryAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The free memory of each NUMA cell, in bytes. Source: the host's kernel.</summary>
    /// <param name="firstCell">The first cell to return.</param>
    /// <param name="count">The maximum number of cells, at least 1.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: there is no such cell.</exception>
    public async ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(
        int firstCell, int count, CancellationToken cancellationToken = default)
    {
        const string function = "virNodeGetCellsFreeMemory";
        if (count <= 0)
        {
            throw LibvirtError.InvalidArgument(
                $"maxCells in {function} must be greater than zero", function, "maxCells", ErrorOrigin.Domain);
        }

        if (firstCell < 0)
        {
            throw LibvirtError.InvalidArgument(
                $"startCell in {function} must be zero or greater", function, "startCell", ErrorOrigin.Domain);
        }

        return await Driver.GetCellsFreeMemoryAsync(firstCell, count, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns for each of the host's CPUs whether it is online. Source: the host's kernel.</summary>
    public async ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetCpuMapAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// The numbers of free pages of the given sizes in the given NUMA cells: all sizes of the first cell, then of the next. Source: the
    /// host's kernel.
    /// </summary>
    /// <param name="sizesKiB">The page sizes, in KiB.</param>
    /// <param name="firstCell">The first cell. <see cref="AllOfNode"/>, the host as a whole, comes before cell 0.</param>
    /// <param name="cells">The number of cells, at least 1.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationFailed"/>: there is no such size. <see cref="ErrorCode.InternalError"/>: there is no such cell.
    /// </exception>
    public async ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizesKiB, int firstCell = 0, int cells = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sizesKiB);
        return await Driver.GetFreePagesAsync(sizesKiB, firstCell, cells, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The CPU models that domains of an architecture can have; empty if every model that the hypervisor knows can be used.</summary>
    /// <param name="architecture">The architecture, such as <c>x86_64</c>.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        return await Driver.GetCpuModelNamesAsync(architecture, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The number of storage pools that the daemon manages. Ballast itself has none.</summary>
    /// <param name="filter">libvirt's filters, <c>virConnectListAllStoragePoolsFlags</c>; 0 for all.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<int> CountStoragePoolsAsync(int filter = 0, CancellationToken cancellationToken = default) =>
        await Driver.CountStoragePoolsAsync(unchecked((uint)filter), cancellationToken).ConfigureAwait(false);

    private static void RefuseBelowAll(int number, string argument, string function)
    {
        if (number < AllOfNode)
        {
            // Beside its text, libvirt names the processor's argument for both.
            throw LibvirtError.InvalidArgument(
                $"{argument} in {function} only accepts {AllOfNode} as a negative value", function, "cpuNum", ErrorOrigin.Domain);
        }
    }
}
