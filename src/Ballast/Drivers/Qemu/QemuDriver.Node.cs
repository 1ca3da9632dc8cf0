using System.Collections.Frozen;
using System.Text.Json;
using Ballast.Drivers.Host;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    // What libvirt tells, whatever QEMU's machines could have.
    private const int MaxVcpusOfQemu = 16, MaxVcpusOfKvm = 710;

    private const string Kvm = "/dev/kvm";

    // Those that libvirt knows by name.
    private static readonly FrozenSet<string> Architectures = FrozenSet.Create(
        StringComparer.Ordinal, "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "loongarch64", "m68k", "microblaze",
        "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppc64", "ppc64le", "ppcemb", "riscv32",
        "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb");

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

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(new SecurityModel("none", "0"));

    public ValueTask<int> CountStoragePoolsAsync(uint filter, CancellationToken cancellationToken) => new(0);

    /// <summary>Those that a QEMU of that architecture knows which can be asked; none: all may be used.</summary>
    public async ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken)
    {
        if (!Architectures.Contains(architecture))
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"cannot find architecture {architecture}");
        foreach (QemuDomain qemu in await _inventory.RefreshAsync(connects: false, _timeout, cancellationToken).ConfigureAwait(false))
        {
            if (qemu.Obstacle is not null || qemu.MonitorOrNull is not { IsConnected: true })
                continue;
            try
            {
                JsonElement? target = await QmpJson.AskAsync(
                    qemu.Asked, "query-target", QmpCommands.Execute("query-target"), _timeout, cancellationToken).ConfigureAwait(false);
                if (Text(Member(target, "arch")) != architecture)
                    continue;
                JsonElement? models = await QmpJson.AskAsync(
                    qemu.Asked, "query-cpu-definitions", QmpCommands.Execute("query-cpu-definitions"), _timeout, cancellationToken).ConfigureAwait(false);
                return [.. Elements(models).Select(model => Text(Member(model, "name"))).OfType<string>().Order(StringComparer.Ordinal)];
            }
            catch (LibvirtException)
            {
                // Another one may answer.
            }
        }

        return [];
    }

    public ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken) =>
        new(_node.FreePages(sizes, firstCell, cells));
}
