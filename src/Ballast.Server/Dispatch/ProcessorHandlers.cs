using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>A domain's processors, and what the host allows it.</summary>
internal static class ProcessorHandlers
{
    private const int BitsOfByte = 8;

    // libvirt's: the host CPU of a virtual one is not known.
    private const int HostCpuUnknown = -2;

    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<VcpusArgs, VcpusReply>(RemoteProcedure.DomainGetVcpus, async (session, arguments, token) =>
        {
            CheckMaps(arguments.Maxinfo, "maxinfo", arguments.Maplen, "maxinfo");
            RefuseZero(arguments.Maxinfo, "info in virDomainGetVcpus must not be NULL", "virDomainGetVcpus", "info");
            VirtualCpu[] cpus = [.. (await session.Domain(arguments.Dom).GetVirtualCpusAsync(token).ConfigureAwait(false)).Take(arguments.Maxinfo)];
            return new()
            {
                Info = [.. cpus.Select(ToRemote)],
                Cpumaps = Maps([.. cpus.Select(cpu => cpu.Affinity)], arguments.Maplen),
            };
        }),
        On<VcpuPinInfoArgs, VcpuPinInfoReply>(RemoteProcedure.DomainGetVcpuPinInfo, async (session, arguments, token) =>
        {
            const string function = "virDomainGetVcpuPinInfo";
            CheckMaps(arguments.Ncpumaps, "ncpumaps", arguments.Maplen, "maplen");
            Domain.RefuseBoth((DomainModificationImpact)arguments.Flags, function);
            RefuseZero(arguments.Maplen, $"cpumaps in {function} must not be NULL", function, "cpumaps");
            RefuseZero(arguments.Ncpumaps, $"ncpumaps in {function} must be greater than zero", function, "ncpumaps");
            CpuSet[] maps =
            [
                .. (await session.Domain(arguments.Dom).GetVirtualCpuAffinitiesAsync(
                    (DomainModificationImpact)arguments.Flags, token).ConfigureAwait(false)).Take(arguments.Ncpumaps),
            ];
            return new() { Cpumaps = Maps(maps, arguments.Maplen), Num = maps.Length };
        }),
        On<DomainArgs, NumberReply>(RemoteProcedure.DomainGetMaxVcpus, async (session, arguments, token) =>
            new() { Number = await session.Domain(arguments.Dom).GetMaxVirtualCpusAsync(token).ConfigureAwait(false) }),
        On<DomainFlagsArgs, NumberReply>(RemoteProcedure.DomainGetVcpusFlags, async (session, arguments, token) =>
            new() { Number = await session.Domain(arguments.Dom).GetVirtualCpuCountAsync((VirtualCpuCountFlags)arguments.Flags, token).ConfigureAwait(false) }),

        On<DomainArgs, SchedulerTypeReply>(RemoteProcedure.DomainGetSchedulerType, async (session, arguments, token) =>
        {
            Domain domain = session.Domain(arguments.Dom);
            return new()
            {
                Type = await domain.GetSchedulerTypeAsync(token).ConfigureAwait(false),
                Nparams = (await domain.GetSchedulerParametersAsync(cancellationToken: token).ConfigureAwait(false)).Count,
            };
        }),
        On<ParametersArgs, ParametersReply>(RemoteProcedure.DomainGetMemoryParameters, GetMemoryParametersAsync),
    ];

    private static async ValueTask<ParametersReply> GetMemoryParametersAsync(
        RemoteSession session, ParametersArgs arguments, CancellationToken token)
    {
        if (arguments.Nparams is < 0 or > RpcLimits.MaxMemoryParameters)
            throw RpcErrors.Internal(arguments.Nparams < 0 ? "nparams must be non-negative" : "nparams too large");
        DomainModificationImpact impact = (DomainModificationImpact)(arguments.Flags & ~RemoteFlags.TypedParameterStrings);
        try
        {
            DomainMemoryLimits limits = await session.Domain(arguments.Dom).GetMemoryLimitsAsync(impact, token).ConfigureAwait(false);
            return arguments.Nparams == 0
                ? new() { Params = [], Nparams = MemoryLimitParameters.Count }
                : new() { Params = [.. limits.ToParameters().Take(arguments.Nparams).Select(RemoteParameter.From)] };
        }
        catch (LibvirtException e) when (arguments.Nparams == 0 && e is { Code: ErrorCode.OperationInvalid, Origin: ErrorOrigin.Qemu })
        {
            // How many there are is told also where the host does not tell them.
            return new() { Params = [], Nparams = MemoryLimitParameters.Count };
        }
    }

    private static VcpuInfo ToRemote(VirtualCpu cpu) => new()
    {
        Number = (uint)cpu.Number,
        State = (int)cpu.State,
        CpuTime = (ulong)((cpu.CpuTime ?? TimeSpan.Zero).Ticks * TimeSpan.NanosecondsPerTick),
        Cpu = cpu.HostCpu ?? HostCpuUnknown,
    };

    /// <summary>
    /// One map after another, a bit for each host CPU. libvirt's daemon fills them up with zeros to as many as were asked
    /// for, megabytes for the asking; clients clear their buffer and take what comes.
    /// </summary>
    private static byte[] Maps(CpuSet[] affinities, int mapBytes)
    {
        byte[] maps = new byte[affinities.Length * mapBytes];
        for (int i = 0; i < affinities.Length; i++)
        {
            byte[] bits = affinities[i].ToBitmap();
            bits.AsSpan(0, Math.Min(bits.Length, mapBytes)).CopyTo(maps.AsSpan(i * mapBytes));
        }

        return maps;
    }

    private static void CheckMaps(int count, string countName, int length, string lengthName)
    {
        if (count > RpcLimits.MaxVcpus)
            throw RpcErrors.Internal($"{countName} > REMOTE_VCPUINFO_MAX");
        if (count < 0 || length < 0)
            throw RpcErrors.Internal($"{(count < 0 ? countName : lengthName)} must be non-negative");
        if ((long)count * length > RpcLimits.MaxCpuMaps)
            throw RpcErrors.Internal("maxinfo * maplen > REMOTE_CPUMAPS_MAX");

        // Each map is as long as asked for, however few CPUs there are: libvirt's limit for one that a client sends.
        if (length > RpcLimits.MaxNodeCpuMap)
            throw RpcErrors.Internal("maplen > REMOTE_CPUMAP_MAX");
    }

    private static void RefuseZero(int number, string message, string function, string argument)
    {
        if (number == 0)
            throw LibvirtError.InvalidArgument(message, function, argument, ErrorOrigin.Domain);
    }
}
