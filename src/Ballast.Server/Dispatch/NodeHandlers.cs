using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>The host that the domains run on.</summary>
internal static class NodeHandlers
{
    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<Nothing, NodeInfoReply>(RemoteProcedure.NodeGetInfo, async (session, _, token) =>
        {
            NodeInfo node = await session.Connection.GetNodeInfoAsync(token).ConfigureAwait(false);
            return new()
            {
                Model = node.Model,
                Memory = node.MemoryKiB,
                Cpus = node.Cpus,
                Mhz = node.MHz,
                Nodes = node.Nodes,
                Sockets = node.SocketsPerNode,
                Cores = node.CoresPerSocket,
                Threads = node.ThreadsPerCore,
            };
        }),
        On<NodeMemoryStatsArgs, NodeStatsReply>(RemoteProcedure.NodeGetMemoryStats, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}NodeGetMemoryStats", session.DriverOrigin);
            return InTwoSteps(
                await session.Connection.GetNodeMemoryStatsAsync(arguments.CellNum, token).ConfigureAwait(false),
                arguments.Nparams, "virHostMemGetStatsLinux");
        }),
        On<NodeCpuStatsArgs, NodeStatsReply>(RemoteProcedure.NodeGetCpuStats, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}NodeGetCPUStats", session.DriverOrigin);
            // How many there are is the same for each, and told without looking whether there is such a one.
            int cpu = arguments.Nparams == 0 && arguments.CpuNum >= 0 ? Connection.AllOfNode : arguments.CpuNum;
            return InTwoSteps(
                await session.Connection.GetNodeCpuStatsAsync(cpu, token).ConfigureAwait(false),
                arguments.Nparams, "virHostCPUGetStatsLinux");
        }),
        On<Nothing, ULongReply>(RemoteProcedure.NodeGetFreeMemory, async (session, _, token) =>
            new() { Number = await session.Connection.GetFreeMemoryAsync(token).ConfigureAwait(false) }),
        On<CellsArgs, CellsReply>(RemoteProcedure.NodeGetCellsFreeMemory, async (session, arguments, token) =>
        {
            const string function = "virNodeGetCellsFreeMemory";
            if (arguments.Maxcells is < 0 or > RpcLimits.MaxNodeCells)
                throw RpcErrors.Bare(arguments.Maxcells < 0 ? "maxcells must be non-negative" : "maxcells > REMOTE_NODE_MAX_CELLS");
            if (arguments.StartCell < 0)
                throw LibvirtError.InvalidArgument($"startCell in {function} must be zero or greater", function, "startCell", ErrorOrigin.Domain);
            if (arguments.Maxcells == 0)
                throw LibvirtError.InvalidArgument($"maxCells in {function} must be greater than zero", function, "maxCells", ErrorOrigin.Domain);
            IReadOnlyList<ulong> cells = await session.Connection.GetCellsFreeMemoryAsync(
                arguments.StartCell, arguments.Maxcells, token).ConfigureAwait(false);
            return new() { Cells = [.. cells.Select(free => new CellMemory { Free = free })] };
        }),
        On<CpuMapArgs, CpuMapReply>(RemoteProcedure.NodeGetCpuMap, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, "virHostCPUGetMap", ErrorOrigin.None);
            CpuSet map = await session.Connection.GetCpuMapAsync(token).ConfigureAwait(false);
            return new()
            {
                Cpumap = arguments.NeedMap != 0 ? map.ToBitmap() : [],
                Online = arguments.NeedOnline != 0 ? (uint)map.Count : 0,
                Ret = map.Length,
            };
        }),
    ];

    /// <summary>First a client asks how many there are, then for exactly so many.</summary>
    private static NodeStatsReply InTwoSteps(IReadOnlyList<NodeStat> stats, int asked, string function)
    {
        if (asked == 0)
            return new() { Params = [], Nparams = stats.Count };
        if (asked != stats.Count)
        {
            throw LibvirtError.InvalidArgument(
                $"nparams in {function} must be {stats.Count}", function, "nparams", ErrorOrigin.None);
        }

        return new() { Params = [.. stats.Select(stat => new NodeStatEntry { Field = stat.Name, Value = stat.Value })] };
    }
}
