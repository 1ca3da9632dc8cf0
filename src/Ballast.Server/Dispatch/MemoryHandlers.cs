using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>Memory: statistics, one by one and in bulk, the collection period, the balloon's size.</summary>
internal static class MemoryHandlers
{
    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<MemoryStatsArgs, MemoryStatsReply>(RemoteProcedure.DomainMemoryStats, GetStatsAsync),
        On<AllStatsArgs, AllStatsReply>(RemoteProcedure.ConnectGetAllDomainStats, GetAllStatsAsync),
        OnChange<PeriodArgs>(RemoteProcedure.DomainSetMemoryStatsPeriod, arguments => ($"collection period {arguments.Period} s", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(arguments.Period), (DomainModificationImpact)arguments.Flags, token)),
        On<DomainArgs, ULongReply>(RemoteProcedure.DomainGetMaxMemory, async (session, arguments, token) =>
            new() { Number = await session.Domain(arguments.Dom).GetMaxMemoryAsync(token).ConfigureAwait(false) }),
        OnChange<MemoryArgs>(RemoteProcedure.DomainSetMemory, arguments => ($"balloon size {arguments.Memory} KiB", arguments.Dom), (session, arguments, token) =>
        {
            Domain domain = session.Domain(arguments.Dom);
            domain.CheckMemory(arguments.Memory, "virDomainSetMemory");
            return domain.SetMemoryAsync(arguments.Memory, DomainModificationImpact.Live, token);
        }),
        OnChange<MemoryArgs>(RemoteProcedure.DomainSetMaxMemory, arguments => ($"maximum memory {arguments.Memory} KiB", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).SetMaxMemoryAsync(arguments.Memory, cancellationToken: token)),
        OnChange<MemoryFlagsArgs>(RemoteProcedure.DomainSetMemoryFlags, arguments => (
            $"{((arguments.Flags & RemoteFlags.MaximumMemory) != 0 ? "maximum memory" : "balloon size")} {arguments.Memory} KiB", arguments.Dom), (session, arguments, token) =>
        {
            Domain domain = session.Domain(arguments.Dom);
            domain.CheckMemory(arguments.Memory, "virDomainSetMemoryFlags");
            DomainModificationImpact impact = (DomainModificationImpact)(arguments.Flags & ~RemoteFlags.MaximumMemory);
            return (arguments.Flags & RemoteFlags.MaximumMemory) != 0
                ? domain.SetMaxMemoryAsync(arguments.Memory, impact, token)
                : domain.SetMemoryAsync(arguments.Memory, impact, token);
        }),
    ];

    private static async ValueTask<MemoryStatsReply> GetStatsAsync(RemoteSession session, MemoryStatsArgs arguments, CancellationToken token)
    {
        if (arguments.MaxStats > RpcLimits.MaxMemoryStats)
            throw RpcErrors.Internal("maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX");
        RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainMemoryStats", session.DriverOrigin);
        MemoryStat[] stats = new MemoryStat[arguments.MaxStats];
        int count = await session.Domain(arguments.Dom).FillMemoryStatsAsync(stats, cancellationToken: token).ConfigureAwait(false);
        MemoryStatEntry[] entries = new MemoryStatEntry[count];
        for (int i = 0; i < count; i++)
            entries[i] = new MemoryStatEntry { Tag = (int)stats[i].Tag, Value = stats[i].Value };
        return new() { Stats = entries };
    }

    private static ValueTask<AllStatsReply> GetAllStatsAsync(RemoteSession session, AllStatsArgs arguments, CancellationToken token)
    {
        DomainStatsGroups groups = (DomainStatsGroups)arguments.Stats;
        DomainStatsFlags flags = (DomainStatsFlags)arguments.Flags;
        return new(session.AskManyAsync(
            arguments.Doms, (groups, flags), async (connection, domains, end) => StatsReplies.Of(domains is null
                ? await connection.GetAllDomainStatsAsync(groups, flags, end).ConfigureAwait(false)
                : await connection.GetDomainStatsAsync(domains, groups, flags, end).ConfigureAwait(false)),
            static reply => reply.RetStats.Length, token));
    }
}
