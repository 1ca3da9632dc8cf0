using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    // More than any hypervisor of today has; asking for more than there are costs a daemon zeros.
    private const int UsualVcpus = 1024;

    public async ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        int hostCpus = (await GetCpuMapAsync(cancellationToken).ConfigureAwait(false)).Length, mapBytes = BytesOf(hostCpus);
        int room = RoomFor(mapBytes);
        VcpusReply reply = await AskAsync<VcpusArgs, VcpusReply>(
            RemoteProcedure.DomainGetVcpus, new() { Dom = ToRemote(domain), Maxinfo = room, Maplen = mapBytes }, cancellationToken).ConfigureAwait(false);
        if (reply.Info.Length > room)
            throw RpcErrors.BadReply(RemoteProcedure.DomainGetVcpus, $"it has {reply.Info.Length} processors, more than the {room} asked for");
        return
        [
            .. reply.Info.Select((info, i) => new VirtualCpu(
                (int)Math.Min(info.Number, int.MaxValue), (VirtualCpuState)info.State,

                // What a daemon does not know about a processor it gives as the host's CPU below zero.
                info.Cpu < 0 ? null : TimeSpan.FromTicks((long)(info.CpuTime / (ulong)TimeSpan.NanosecondsPerTick)),
                info.Cpu < 0 ? null : info.Cpu,
                ReadMap(reply.Cpumaps, i * mapBytes, hostCpus))),
        ];
    }

    public async ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        int hostCpus = (await GetCpuMapAsync(cancellationToken).ConfigureAwait(false)).Length, mapBytes = BytesOf(hostCpus);
        int room = RoomFor(mapBytes);
        VcpuPinInfoArgs arguments = new() { Dom = ToRemote(domain), Ncpumaps = room, Maplen = mapBytes, Flags = (uint)impact };
        VcpuPinInfoReply reply = await AskAsync<VcpuPinInfoArgs, VcpuPinInfoReply>(
            RemoteProcedure.DomainGetVcpuPinInfo, arguments, cancellationToken).ConfigureAwait(false);
        return reply.Num >= 0 && reply.Num <= room
            ? [.. Enumerable.Range(0, reply.Num).Select(i => ReadMap(reply.Cpumaps, i * mapBytes, hostCpus))]
            : throw RpcErrors.BadReply(RemoteProcedure.DomainGetVcpuPinInfo, $"it reports {reply.Num} processors, {room} were asked for");
    }

    public async ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        (await AskAsync<DomainArgs, SchedulerTypeReply>(
            RemoteProcedure.DomainGetSchedulerType, Of(domain), cancellationToken).ConfigureAwait(false)).Type;

    public async ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        ParametersArgs arguments = new() { Dom = ToRemote(domain), Nparams = RpcLimits.MaxMemoryParameters, Flags = (uint)impact };
        return MemoryLimitParameters.Read((await AskAsync<ParametersArgs, ParametersReply>(
            RemoteProcedure.DomainGetMemoryParameters, arguments, cancellationToken).ConfigureAwait(false)).Params);
    }

    private static int BytesOf(int cpus) => Math.Max(1, CpuSet.BytesFor(cpus));

    private static int RoomFor(int mapBytes) => Math.Min(UsualVcpus, RpcLimits.MaxCpuMaps / mapBytes);

    private static CpuSet ReadMap(byte[] maps, int first, int cpus) =>
        CpuSet.FromBitmap(maps.AsSpan(Math.Min(first, maps.Length)), cpus);
}
