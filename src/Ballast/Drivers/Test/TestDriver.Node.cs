using Ballast.Drivers.Host;

namespace Ballast.Drivers.Test;

/// <content>A host with libvirt's numbers, which do not agree with each other: 16 processors, of which 8 are present.</content>
internal sealed partial class TestDriver
{
    private const int MaxVcpus = 32;
    private const ulong MemoryOfNodeKiB = 3145728;

    // libvirt gives the memory of its simulated host, in KiB, where bytes are asked for.
    private static readonly ulong[] FreeOfCells = [TestXml.FirstCellKiB, TestXml.SecondCellKiB];

    public ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) => new(HostNode.HostName);

    public ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken) => new(TestXml.Capabilities());

    public ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken) => new(TestXml.Sysinfo());

    /// <summary>Whatever the type.</summary>
    public ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) => new(MaxVcpus);

    public ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken) => new(new NodeInfo(
        TestXml.Architecture, MemoryOfNodeKiB, Cpus: 16, MHz: 1400, Nodes: 2, SocketsPerNode: 2, CoresPerSocket: 2, ThreadsPerCore: 2));

    /// <summary>The same of each processor, be it there or not.</summary>
    public ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) => new(
    [
        new("user", 9797400000), new("kernel", 34678723400000), new("idle", 87264900000), new("iowait", 763600000),
    ]);

    public ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) => new(MemoryOfNodeKiB);

    public ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken) =>
        firstCell < FreeOfCells.Length
            ? new(FreeOfCells.Skip(firstCell).Take(count).ToArray())
            : throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, "Range exceeds available cells");

    public ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) =>
        new(new CpuSet(8, [0, 2, 4]));
}
