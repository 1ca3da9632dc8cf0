using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    public async ValueTask<string> GetHostNameAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, TextReply>(RemoteProcedure.ConnectGetHostname, default, cancellationToken).ConfigureAwait(false)).Text;

    public async ValueTask<string> GetCapabilitiesAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, TextReply>(RemoteProcedure.ConnectGetCapabilities, default, cancellationToken).ConfigureAwait(false)).Text;

    public async ValueTask<string> GetSysinfoAsync(CancellationToken cancellationToken) =>
        (await AskAsync<FlagsArgs, TextReply>(RemoteProcedure.ConnectGetSysinfo, default, cancellationToken).ConfigureAwait(false)).Text;

    public async ValueTask<int> GetMaxVcpusAsync(string? type, CancellationToken cancellationToken) =>
        (await AskAsync<MaxVcpusArgs, NumberReply>(RemoteProcedure.ConnectGetMaxVcpus, new() { Type = type }, cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<NodeInfo> GetNodeInfoAsync(CancellationToken cancellationToken)
    {
        NodeInfoReply node = await AskAsync<Nothing, NodeInfoReply>(RemoteProcedure.NodeGetInfo, default, cancellationToken).ConfigureAwait(false);
        return new NodeInfo(node.Model, node.Memory, node.Cpus, node.Mhz, node.Nodes, node.Sockets, node.Cores, node.Threads);
    }

    public async ValueTask<IReadOnlyList<NodeStat>> GetNodeMemoryStatsAsync(int cell, CancellationToken cancellationToken)
    {
        int count = (await AskAsync<NodeMemoryStatsArgs, NodeStatsReply>(
            RemoteProcedure.NodeGetMemoryStats, new() { CellNum = cell }, cancellationToken).ConfigureAwait(false)).Nparams;
        return Stats(await AskAsync<NodeMemoryStatsArgs, NodeStatsReply>(
            RemoteProcedure.NodeGetMemoryStats, new() { CellNum = cell, Nparams = count }, cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<IReadOnlyList<NodeStat>> GetNodeCpuStatsAsync(int cpu, CancellationToken cancellationToken)
    {
        int count = (await AskAsync<NodeCpuStatsArgs, NodeStatsReply>(
            RemoteProcedure.NodeGetCpuStats, new() { CpuNum = cpu }, cancellationToken).ConfigureAwait(false)).Nparams;
        return Stats(await AskAsync<NodeCpuStatsArgs, NodeStatsReply>(
            RemoteProcedure.NodeGetCpuStats, new() { CpuNum = cpu, Nparams = count }, cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<ulong> GetFreeMemoryAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, ULongReply>(RemoteProcedure.NodeGetFreeMemory, default, cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<IReadOnlyList<ulong>> GetCellsFreeMemoryAsync(int firstCell, int count, CancellationToken cancellationToken)
    {
        CellsReply reply = await AskAsync<CellsArgs, CellsReply>(
            RemoteProcedure.NodeGetCellsFreeMemory, new() { StartCell = firstCell, Maxcells = Math.Min(count, RpcLimits.MaxNodeCells) }, cancellationToken).ConfigureAwait(false);
        return reply.Cells.Length <= count
            ? [.. reply.Cells.Select(cell => cell.Free)]
            : throw RpcErrors.BadReply(RemoteProcedure.NodeGetCellsFreeMemory, $"it has {reply.Cells.Length} cells, more than the {count} asked for");
    }

    public async ValueTask<CpuSet> GetCpuMapAsync(CancellationToken cancellationToken)
    {
        CpuMapReply map = await AskAsync<CpuMapArgs, CpuMapReply>(
            RemoteProcedure.NodeGetCpuMap, new() { NeedMap = 1 }, cancellationToken).ConfigureAwait(false);
        const int bitsOfByte = 8;
        return map.Ret >= 0 && map.Ret <= map.Cpumap.Length * bitsOfByte
            ? CpuSet.FromBitmap(map.Cpumap, map.Ret)
            : throw RpcErrors.BadReply(RemoteProcedure.NodeGetCpuMap, $"it reports {map.Ret} processors in {map.Cpumap.Length} bytes");
    }

    private static IReadOnlyList<NodeStat> Stats(in NodeStatsReply reply) => [.. reply.Params.Select(stat => new NodeStat(stat.Field, stat.Value))];
}
