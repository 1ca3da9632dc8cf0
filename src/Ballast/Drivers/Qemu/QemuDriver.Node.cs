using Ballast.Drivers.Host;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    // What libvirt tells, whatever QEMU's machines could have.
    private const int MaxVcpusOfQemu = 16, MaxVcpusOfKvm = 710;

    // More than any machine of QEMU's has.
    private const int MaxVcpuSlots = 16384;
    private const string Kvm = "/dev/kvm";

    private readonly HostNode _node = new();

    public ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) => new(HostNode.HostName);

    public ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken) => new(HostXml.Capabilities(
        _node, File.Exists(Kvm) ? ["qemu", "kvm"] : ["qemu"], $"/usr/bin/qemu-system-{HostNode.Architecture}"));

    public ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken) => new(HostXml.System(_node));

    public ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) => new(type?.ToUpperInvariant() switch
    {
        null or "QEMU" => MaxVcpusOfQemu,
        "KVM" => MaxVcpusOfKvm,
        _ => throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"unknown type '{type}'"),
    });

    public ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken) => new(_node.Info());

    public ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(int cell, CancellationToken cancellationToken) => new(_node.MemoryStats(cell));

    public ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken) => new(_node.CpuStats(cpu));

    public ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) => new(_node.FreeMemoryBytes());

    public ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken) =>
        new(_node.CellsFreeMemoryBytes(firstCell, count));

    public ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken) => new(_node.CpuMap());
}
