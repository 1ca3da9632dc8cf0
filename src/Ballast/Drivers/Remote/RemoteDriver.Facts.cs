using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    private const int AllCpus = -1;

    // libvirt's limit of its protocol's maps.
    private const int MostCpus = RpcLimits.MaxNodeCpuMap * 8;

    public async ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        (await AskAsync<DomainArgs, NumberReply>(RemoteProcedure.DomainGetMaxVcpus, Of(domain), cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<int> GetVirtualCpuCountAsync(DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken) =>
        (await AskAsync<DomainFlagsArgs, NumberReply>(
            RemoteProcedure.DomainGetVcpusFlags, WithFlags(domain, (uint)flags), cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        (await AskAsync<MetadataArgs, TextReply>(
            RemoteProcedure.DomainGetMetadata, new() { Dom = ToRemote(domain), Type = (int)type, Uri = uri, Flags = (uint)impact },
            cancellationToken).ConfigureAwait(false)).Text;

    public async ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        JobInfoReply job = await AskAsync<DomainArgs, JobInfoReply>(
            RemoteProcedure.DomainGetJobInfo, Of(domain), cancellationToken).ConfigureAwait(false);
        return new DomainJobInfo(
            (DomainJobType)job.Type, job.TimeElapsed, job.TimeRemaining,
            new DomainJobAmount(job.DataTotal, job.DataProcessed, job.DataRemaining),
            new DomainJobAmount(job.MemTotal, job.MemProcessed, job.MemRemaining),
            new DomainJobAmount(job.FileTotal, job.FileProcessed, job.FileRemaining));
    }

    public async ValueTask<DomainJobStats> GetJobStatsAsync(DomainIdentity domain, uint flags, CancellationToken cancellationToken)
    {
        JobStatsReply job = await AskAsync<DomainFlagsArgs, JobStatsReply>(
            RemoteProcedure.DomainGetJobStats, WithFlags(domain, flags), cancellationToken).ConfigureAwait(false);
        return new DomainJobStats((DomainJobType)job.Type, Parameters(job.Params));
    }

    public async ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ControlInfoReply control = await AskAsync<DomainFlagsArgs, ControlInfoReply>(
            RemoteProcedure.DomainGetControlInfo, WithFlags(domain), cancellationToken).ConfigureAwait(false);
        return new DomainControlInfo((DomainControlState)control.State, control.Details, control.StateTime);
    }

    /// <summary>Where there are none, a daemon is not asked for them: libvirt's fails then.</summary>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        int count = (await AskAsync<DomainArgs, SchedulerTypeReply>(
            RemoteProcedure.DomainGetSchedulerType, Of(domain), cancellationToken).ConfigureAwait(false)).Nparams;
        if (count is <= 0 or > RpcLimits.MaxParameters)
            return [];
        SchedulerParametersReply reply = impact == DomainModificationImpact.Current
            ? await AskAsync<SchedulerParametersArgs, SchedulerParametersReply>(
                RemoteProcedure.DomainGetSchedulerParameters, new() { Dom = ToRemote(domain), Nparams = count }, cancellationToken).ConfigureAwait(false)
            : await AskAsync<ParametersArgs, SchedulerParametersReply>(
                RemoteProcedure.DomainGetSchedulerParametersFlags,
                new() { Dom = ToRemote(domain), Nparams = count, Flags = (uint)impact }, cancellationToken).ConfigureAwait(false);
        return Parameters(reply.Params);
    }

    public async ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        Parameters((await AskAsync<ParametersArgs, ParametersReply>(
            RemoteProcedure.DomainGetNumaParameters,
            new() { Dom = ToRemote(domain), Nparams = RpcLimits.MaxParameters, Flags = (uint)impact | RemoteFlags.TypedParameterStrings },
            cancellationToken).ConfigureAwait(false)).Params);

    public async ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        int count = await CountCpuStatsAsync(domain, AllCpus, ncpus: 1, cancellationToken).ConfigureAwait(false);
        return Parameters((await AskCpuStatsAsync(domain, count, AllCpus, ncpus: 1, cancellationToken).ConfigureAwait(false)).Params);
    }

    public async ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        DomainIdentity domain, int first, int count, CancellationToken cancellationToken)
    {
        int cpus = await CountCpuStatsAsync(domain, 0, ncpus: 0, cancellationToken).ConfigureAwait(false);
        int each = await CountCpuStatsAsync(domain, 0, ncpus: 1, cancellationToken).ConfigureAwait(false);
        List<IReadOnlyList<TypedParameter>> all = [];
        if (each <= 0)
            return all;
        int end = (int)Math.Min(Math.Min(cpus, MostCpus), (long)first + count);
        int room = Math.Min(RpcLimits.MaxCpusOfStats, Math.Max(1, RpcLimits.MaxCpuParameters / each));
        for (int next = first; next < end; next += room)
        {
            int asked = Math.Min(room, end - next);
            CpuStatsReply reply = await AskCpuStatsAsync(domain, each, next, asked, cancellationToken).ConfigureAwait(false);

            // CPUs at the end that have nothing to tell are left out.
            for (int i = 0; i < asked; i++)
                all.Add(Parameters([.. reply.Params.Skip(i * each).Take(each)]));
        }

        return all;
    }

    public async ValueTask<IReadOnlyList<TypedParameter>> GetBlockStatsAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        BlockStatsFlagsArgs arguments = new() { Dom = ToRemote(domain), Path = disk, Flags = RemoteFlags.TypedParameterStrings };
        arguments.Nparams = (await AskAsync<BlockStatsFlagsArgs, ParametersReply>(
            RemoteProcedure.DomainBlockStatsFlags, arguments, cancellationToken).ConfigureAwait(false)).Nparams;
        if (arguments.Nparams is <= 0 or > RpcLimits.MaxParameters)
            return [];
        return Parameters((await AskAsync<BlockStatsFlagsArgs, ParametersReply>(
            RemoteProcedure.DomainBlockStatsFlags, arguments, cancellationToken).ConfigureAwait(false)).Params);
    }

    public async ValueTask<DomainBlockCounters> GetBlockCountersAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        BlockStatsReply stats = await AskAsync<BlockStatsArgs, BlockStatsReply>(
            RemoteProcedure.DomainBlockStats, new() { Dom = ToRemote(domain), Path = disk }, cancellationToken).ConfigureAwait(false);
        return new DomainBlockCounters(Known(stats.RdReq), Known(stats.RdBytes), Known(stats.WrReq), Known(stats.WrBytes), Known(stats.Errs));
    }

    public async ValueTask<DomainBlockInfo> GetBlockInfoAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        BlockInfoReply info = await AskAsync<BlockInfoArgs, BlockInfoReply>(
            RemoteProcedure.DomainGetBlockInfo, new() { Dom = ToRemote(domain), Path = disk }, cancellationToken).ConfigureAwait(false);
        return new DomainBlockInfo(info.Capacity, info.Allocation, info.Physical);
    }

    public async ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(DomainIdentity domain, string device, CancellationToken cancellationToken)
    {
        InterfaceStatsReply stats = await AskAsync<InterfaceStatsArgs, InterfaceStatsReply>(
            RemoteProcedure.DomainInterfaceStats, new() { Dom = ToRemote(domain), Device = device }, cancellationToken).ConfigureAwait(false);
        return new DomainInterfaceStats(
            new InterfaceTraffic(Known(stats.RxBytes), Known(stats.RxPackets), Known(stats.RxErrs), Known(stats.RxDrop)),
            new InterfaceTraffic(Known(stats.TxBytes), Known(stats.TxPackets), Known(stats.TxErrs), Known(stats.TxDrop)));
    }

    public ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainReboot, WithFlags(domain, (uint)flags), cancellationToken);

    public ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainPmWakeup, WithFlags(domain), cancellationToken);

    public ValueTask StartDirtyRateAsync(DomainIdentity domain, int seconds, DirtyRateMode mode, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainStartDirtyRateCalc,
            new DirtyRateArgs { Dom = ToRemote(domain), Seconds = seconds, Flags = (uint)mode }, cancellationToken);

    public async ValueTask<int> CountStoragePoolsAsync(uint filter, CancellationToken cancellationToken) =>
        (int)Math.Min(int.MaxValue, (await AskAsync<ListAllArgs, StoragePoolsReply>(
            RemoteProcedure.ConnectListAllStoragePools, new() { Flags = filter }, cancellationToken).ConfigureAwait(false)).Count);

    public async ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken) =>
        [.. (await AskAsync<CpuModelsArgs, CpuModelsReply>(
            RemoteProcedure.ConnectGetCpuModelNames, new() { Arch = architecture, NeedResults = 1 }, cancellationToken).ConfigureAwait(false))
            .Models.Select(model => model.Name)];

    public async ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken)
    {
        FreePagesReply reply = await AskAsync<FreePagesArgs, FreePagesReply>(
            RemoteProcedure.NodeGetFreePages,
            new() { Pages = [.. sizes.Select(size => new PageSize { Size = size })], StartCell = firstCell, CellCount = (uint)cells },
            cancellationToken).ConfigureAwait(false);
        return reply.Counts.Length <= (long)sizes.Count * cells
            ? [.. reply.Counts.Select(count => count.Count)]
            : throw RpcErrors.BadReply(RemoteProcedure.NodeGetFreePages, $"it has {reply.Counts.Length} counts, more than were asked for");
    }

    // −1 on the wire is unknown.
    private static long? Known(long counter) => counter < 0 ? null : counter;

    private async ValueTask<int> CountCpuStatsAsync(DomainIdentity domain, int first, int ncpus, CancellationToken cancellationToken) =>
        (await AskCpuStatsAsync(domain, 0, first, ncpus, cancellationToken).ConfigureAwait(false)).Nparams;

    private ValueTask<CpuStatsReply> AskCpuStatsAsync(DomainIdentity domain, int nparams, int first, int ncpus, CancellationToken cancellationToken) =>
        AskAsync<CpuStatsArgs, CpuStatsReply>(
            RemoteProcedure.DomainGetCpuStats,
            new() { Dom = ToRemote(domain), Nparams = (uint)Math.Max(nparams, 0), StartCpu = first, Ncpus = (uint)ncpus }, cancellationToken);

    private static IReadOnlyList<TypedParameter> Parameters(RemoteParameter[] parameters) =>
        [.. parameters.Select(parameter => parameter.ToParameter()).OfType<TypedParameter>()];
}
