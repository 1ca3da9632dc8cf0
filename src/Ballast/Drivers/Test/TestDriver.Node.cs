using Ballast.Drivers.Host;

namespace Ballast.Drivers.Test;

/// <content>A host with libvirt's numbers, which do not agree with each other: 16 processors, of which 8 are present.</content>
internal sealed partial class TestDriver
{
    private const int MaxVcpus = 32;

    private TestNode Node => _world.Node;

    public ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) => new(HostNode.HostName);

    public ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken) => new(TestXml.Capabilities(Node.CellsKiB));

    public ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken) => new(TestXml.Sysinfo());

    /// <summary>Whatever the type.</summary>
    public ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) => new(MaxVcpus);

    public ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken) => new(Node.Info);

    /// <summary>The same of each processor, be it there or not.</summary>
    public ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) => new(
    [
        new("user", 9797400000), new("kernel", 34678723400000), new("idle", 87264900000), new("iowait", 763600000),
    ]);

    public ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) => new(Node.FreeKiB);

    public ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken) =>
        firstCell < Node.CellsKiB.Count
            ? new(Node.CellsKiB.Skip(firstCell).Take(count).ToArray())
            : throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, "Range exceeds available cells");

    public ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) =>
        new(new CpuSet(8, [0, 2, 4]));

    public ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken) =>
        new(new HostMemory { Reason = MemoryStatsReason.Fresh, TotalKiB = Node.MemoryKiB, SwapTotalKiB = 0, SwapFreeKiB = 0 });
}
