using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>What clients ask beside memory and state: jobs, parameters, times, disks, pages.</summary>
internal static class FactsHandlers
{
    private const int AllCpus = -1, Unknown = -1;

    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<DomainArgs, JobInfoReply>(RemoteProcedure.DomainGetJobInfo, async (session, arguments, token) =>
        {
            DomainJobInfo job = await session.Domain(arguments.Dom).GetJobInfoAsync(token).ConfigureAwait(false);
            return new()
            {
                Type = (int)job.Type,
                TimeElapsed = job.ElapsedMilliseconds,
                TimeRemaining = job.RemainingMilliseconds,
                DataTotal = job.Data.TotalBytes,
                DataProcessed = job.Data.ProcessedBytes,
                DataRemaining = job.Data.RemainingBytes,
                MemTotal = job.Memory.TotalBytes,
                MemProcessed = job.Memory.ProcessedBytes,
                MemRemaining = job.Memory.RemainingBytes,
                FileTotal = job.File.TotalBytes,
                FileProcessed = job.File.ProcessedBytes,
                FileRemaining = job.File.RemainingBytes,
            };
        }),
        On<DomainFlagsArgs, JobStatsReply>(RemoteProcedure.DomainGetJobStats, async (session, arguments, token) =>
        {
            const uint completed = 1, keep = 2;
            RefuseFlags(arguments.Flags & ~(completed | keep), $"{session.DriverPrefix}DomainGetJobStats", session.DriverOrigin);
            DomainJobStats job = await session.Domain(arguments.Dom).GetJobStatsAsync(
                (arguments.Flags & completed) != 0, (arguments.Flags & keep) != 0, token).ConfigureAwait(false);
            return new() { Type = (int)job.Type, Params = ToRemote(job.Parameters) };
        }),
        On<DomainFlagsArgs, ControlInfoReply>(RemoteProcedure.DomainGetControlInfo, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainGetControlInfo", session.DriverOrigin);
            DomainControlInfo control = await session.Domain(arguments.Dom).GetControlInfoAsync(token).ConfigureAwait(false);
            return new() { State = (uint)control.State, Details = control.Details, StateTime = control.StateMilliseconds };
        }),
        On<MetadataArgs, TextReply>(RemoteProcedure.DomainGetMetadata, async (session, arguments, token) => new()
        {
            Text = await session.Domain(arguments.Dom).GetMetadataAsync(
                (DomainMetadataType)arguments.Type, arguments.Uri, (DomainModificationImpact)arguments.Flags, token).ConfigureAwait(false),
        }),
        On<SchedulerParametersArgs, SchedulerParametersReply>(RemoteProcedure.DomainGetSchedulerParameters, (session, arguments, token) =>
            GetSchedulerParametersAsync(session, arguments.Dom, arguments.Nparams, 0, token)),
        On<ParametersArgs, SchedulerParametersReply>(RemoteProcedure.DomainGetSchedulerParametersFlags, (session, arguments, token) =>
            GetSchedulerParametersAsync(session, arguments.Dom, arguments.Nparams, arguments.Flags, token)),
        On<ParametersArgs, ParametersReply>(RemoteProcedure.DomainGetNumaParameters, async (session, arguments, token) =>
        {
            CheckCount(arguments.Nparams);
            IReadOnlyList<TypedParameter> parameters = await session.Domain(arguments.Dom).GetNumaParametersAsync(
                Impact(arguments.Flags), token).ConfigureAwait(false);
            return InTwoSteps(WithoutStrings(parameters, arguments.Flags), arguments.Nparams, parameters.Count);
        }),
        On<CpuStatsArgs, CpuStatsReply>(RemoteProcedure.DomainGetCpuStats, GetCpuStatsAsync),
        On<BlockStatsArgs, BlockStatsReply>(RemoteProcedure.DomainBlockStats, async (session, arguments, token) =>
        {
            DomainBlockCounters counters = await session.Domain(arguments.Dom).GetBlockCountersAsync(arguments.Path, token).ConfigureAwait(false);
            return new()
            {
                RdReq = counters.ReadRequests ?? Unknown,
                RdBytes = counters.ReadBytes ?? Unknown,
                WrReq = counters.WriteRequests ?? Unknown,
                WrBytes = counters.WriteBytes ?? Unknown,
                Errs = counters.Errors ?? Unknown,
            };
        }),
        On<BlockInfoArgs, BlockInfoReply>(RemoteProcedure.DomainGetBlockInfo, async (session, arguments, token) =>
        {
            if (arguments.Path.Length > 0)
                RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainGetBlockInfo", session.DriverOrigin);
            DomainBlockInfo info = await session.Domain(arguments.Dom).GetBlockInfoAsync(arguments.Path, token).ConfigureAwait(false);
            return new() { Allocation = info.AllocationBytes, Capacity = info.CapacityBytes, Physical = info.PhysicalBytes };
        }),
        On<InterfaceStatsArgs, InterfaceStatsReply>(RemoteProcedure.DomainInterfaceStats, async (session, arguments, token) =>
        {
            (InterfaceTraffic received, InterfaceTraffic sent) =
                await session.Domain(arguments.Dom).GetInterfaceStatsAsync(arguments.Device, token).ConfigureAwait(false);
            return new()
            {
                RxBytes = received.Bytes ?? Unknown,
                RxPackets = received.Packets ?? Unknown,
                RxErrs = received.Errors ?? Unknown,
                RxDrop = received.Drops ?? Unknown,
                TxBytes = sent.Bytes ?? Unknown,
                TxPackets = sent.Packets ?? Unknown,
                TxErrs = sent.Errors ?? Unknown,
                TxDrop = sent.Drops ?? Unknown,
            };
        }),
        On<BlockStatsFlagsArgs, ParametersReply>(RemoteProcedure.DomainBlockStatsFlags, async (session, arguments, token) =>
        {
            CheckCount(arguments.Nparams);
            RefuseFlags(arguments.Flags & ~RemoteFlags.TypedParameterStrings, $"{session.DriverPrefix}DomainBlockStatsFlags", session.DriverOrigin);
            IReadOnlyList<TypedParameter> counters = await session.Domain(arguments.Dom).GetBlockStatsAsync(arguments.Path, token).ConfigureAwait(false);
            return InTwoSteps(counters, arguments.Nparams, counters.Count);
        }),
        On<CpuModelsArgs, CpuModelsReply>(RemoteProcedure.ConnectGetCpuModelNames, async (session, arguments, token) =>
        {
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}ConnectGetCPUModelNames", session.DriverOrigin);
            IReadOnlyList<string> models = await session.Connection.GetCpuModelNamesAsync(arguments.Arch, token).ConfigureAwait(false);
            return new()
            {
                Models = arguments.NeedResults != 0 ? [.. models.Select(name => new CpuModelName { Name = name })] : [],
                Ret = models.Count,
            };
        }),
        On<FreePagesArgs, FreePagesReply>(RemoteProcedure.NodeGetFreePages, async (session, arguments, token) =>
        {
            const string function = "virNodeGetFreePages";
            if ((ulong)arguments.Pages.Length * arguments.CellCount > RpcLimits.MaxNodeCells)
                throw RpcErrors.Internal("the result won't fit into REMOTE_NODE_MAX_CELLS");
            if (arguments.Pages.Length == 0 || arguments.CellCount == 0)
            {
                string argument = arguments.Pages.Length == 0 ? "npages" : "cellCount";
                throw LibvirtError.InvalidArgument($"{argument} in {function} must not be zero", function, argument, ErrorOrigin.Domain);
            }

            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}NodeGetFreePages", session.DriverOrigin);
            IReadOnlyList<ulong> counts = await session.Connection.GetFreePagesAsync(
                [.. arguments.Pages.Select(page => page.Size)], arguments.StartCell, (int)arguments.CellCount, token).ConfigureAwait(false);
            return new() { Counts = [.. counts.Select(count => new PageCount { Count = count })] };
        }),
        OnSync<ListAllArgs, StoragePoolsReply>(RemoteProcedure.ConnectListAllStoragePools, (session, _) =>
        {
            // There are none, but clients that ask for domains and pools want an answer.
            session.RequireOpen();
            return new() { Pools = [] };
        }),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainReboot, arguments => ("reboot", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).RebootAsync((DomainRebootFlags)arguments.Flags, token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainPmWakeup, arguments => ("wake-up", arguments.Dom), (session, arguments, token) =>
        {
            if (!session.Connection.IsReadOnly)
                RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainPMWakeup", session.DriverOrigin);
            return session.Domain(arguments.Dom).WakeUpAsync(token);
        }),
        OnChange<DirtyRateArgs>(RemoteProcedure.DomainStartDirtyRateCalc, arguments => ("dirty rate", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).StartDirtyRateAsync(TimeSpan.FromSeconds(arguments.Seconds), (DirtyRateMode)arguments.Flags, token)),
    ];

    private static async ValueTask<SchedulerParametersReply> GetSchedulerParametersAsync(
        RemoteSession session, RemoteDomain domain, int count, uint flags, CancellationToken token)
    {
        CheckCount(count);
        IReadOnlyList<TypedParameter> parameters = await session.Domain(domain).GetSchedulerParametersAsync(
            Impact(flags), token).ConfigureAwait(false);
        return new() { Params = ToRemote([.. parameters.Take(count)]) };
    }

    private static async ValueTask<CpuStatsReply> GetCpuStatsAsync(RemoteSession session, CpuStatsArgs arguments, CancellationToken token)
    {
        const string function = "virDomainGetCPUStats";
        if (arguments.Nparams > RpcLimits.MaxParameters)
            throw RpcErrors.Internal("nparams too large");
        if (arguments.Ncpus > RpcLimits.MaxCpusOfStats)
            throw RpcErrors.Internal("ncpus too large");
        Domain domain = session.Domain(arguments.Dom);
        if (arguments.StartCpu == AllCpus)
        {
            if (arguments.Ncpus != 1)
                throw LibvirtError.InvalidArgument("ncpus must be 1 when start_cpu is -1", function, "start_cpu", ErrorOrigin.Domain);
            IReadOnlyList<TypedParameter> totals = await domain.GetCpuTotalsAsync(token).ConfigureAwait(false);
            return arguments.Nparams == 0
                ? new() { Params = [], Nparams = totals.Count }
                : new() { Params = ToRemote([.. totals.Take((int)arguments.Nparams)]), Nparams = Math.Min(totals.Count, (int)arguments.Nparams) };
        }

        if (arguments.StartCpu < 0)
        {
            throw LibvirtError.InvalidArgument(
                $"start_cpu in {function} must be zero or greater", function, "start_cpu", ErrorOrigin.Domain);
        }

        bool counts = arguments.Nparams == 0;
        IReadOnlyList<IReadOnlyList<TypedParameter>> all = await domain.GetCpuStatsAsync(
            counts ? 0 : arguments.StartCpu, counts ? int.MaxValue : (int)arguments.Ncpus, token).ConfigureAwait(false);
        int each = all.Select(cpu => cpu.Count).DefaultIfEmpty(0).Max();
        if (counts)
            return new() { Params = [], Nparams = arguments.Ncpus == 0 ? all.Count : each };
        int kept = Math.Min(each, (int)arguments.Nparams);
        return new() { Params = [.. all.SelectMany(cpu => ToRemote([.. cpu.Take(kept)]))], Nparams = kept };
    }

    /// <summary>First a client asks how many there are, then for at most so many.</summary>
    private static ParametersReply InTwoSteps(IReadOnlyList<TypedParameter> parameters, int asked, int count) => asked == 0
        ? new() { Params = [], Nparams = count }
        : new() { Params = ToRemote([.. parameters.Take(asked)]), Nparams = 0 };

    private static IReadOnlyList<TypedParameter> WithoutStrings(IReadOnlyList<TypedParameter> parameters, uint flags) =>
        (flags & RemoteFlags.TypedParameterStrings) != 0
            ? parameters
            : [.. parameters.Where(parameter => parameter.Type != TypedParameterType.String)];

    private static RemoteParameter[] ToRemote(IReadOnlyList<TypedParameter> parameters) => [.. parameters.Select(RemoteParameter.From)];

    private static DomainModificationImpact Impact(uint flags) => (DomainModificationImpact)(flags & ~RemoteFlags.TypedParameterStrings);

    private static void CheckCount(int count)
    {
        if (count is < 0 or > RpcLimits.MaxParameters)
            throw RpcErrors.Internal(count < 0 ? "nparams must be non-negative" : "nparams too large");
    }
}
