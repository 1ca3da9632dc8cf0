using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Server.Dispatch;

/// <summary>Our own program, beside libvirt's: samples with their circumstances, refresh, samples that are sent as they are taken, and the host's side of memory.</summary>
internal static class BallastProgram
{
    private static readonly Handler Sample = new Handler<SampleArgs, SamplesReply>(SampleAsync);
    private static readonly Handler Refresh = new Handler<RefreshArgs, SamplesReply>(RefreshAsync);
    private static readonly Handler Watch = new Handler<WatchArgs, Nothing>((session, arguments, _) =>
    {
        session.RequireOpen();
        return session.Watches.Start(arguments) is { } refusal ? ValueTask.FromException<Nothing>(refusal) : default;
    });

    private static readonly Handler Unwatch = new Handler<UnwatchArgs, Nothing>((session, arguments, _) =>
    {
        session.Watches.Stop(arguments.Watch);
        return default;
    });

    private static readonly Handler HostMemory = new Handler<HostMemoryArgs, HostMemoryReply>(async (session, arguments, token) =>
        new() { Facts = HostMemoryFacts.Of(await session.Connection.GetHostMemoryAsync(arguments.Group, token).ConfigureAwait(false)) });

    private static readonly Handler ProcessMemory = new Handler<ProcessMemoryArgs, ProcessMemoryReply>(static (session, arguments, token) =>
    {
        RemoteDomain[] asked = [.. arguments.Doms.DistinctBy(domain => domain.Uuid)];
        if (asked.Length == 0)
        {
            session.RequireOpen();
            return new(new ProcessMemoryReply { Processes = [] });
        }

        return new(session.AskManyAsync(
            asked, BallastProcedure.ProcessMemory, static async (connection, domains, end) => new ProcessMemoryReply
            {
                Processes =
                [
                    .. (await connection.GetProcessMemoryAsync(domains!, end).ConfigureAwait(false)).Select(static one => new ProcessMemoryRecord
                    {
                        Dom = LookupHandlers.ToRemote(one.Domain), Facts = HostMemoryFacts.Of(one.Memory), Group = one.Memory.GroupPath,
                    }),
                ],
            },
            static reply => reply.Processes.Length, token));
    });

    private static readonly Handler Version = new Handler<Nothing, VersionReply>(static (session, _, _) =>
    {
        session.RequireOpen();
        return new(new VersionReply { Version = OwnVersion.Text });
    });

    public static Handler? Find(int procedure) => (BallastProcedure)procedure switch
    {
        BallastProcedure.Sample => Sample,
        BallastProcedure.Refresh => Refresh,
        BallastProcedure.Watch => Watch,
        BallastProcedure.Unwatch => Unwatch,
        BallastProcedure.HostMemory => HostMemory,
        BallastProcedure.ProcessMemory => ProcessMemory,
        BallastProcedure.Version => Version,
        _ => null,
    };

    private static ValueTask<SamplesReply> SampleAsync(RemoteSession session, SampleArgs arguments, CancellationToken token)
    {
        MemoryStatsOptions options = SampleFacts.Options(arguments.Options);
        RemoteDomain[] asked = [.. arguments.Doms.DistinctBy(domain => domain.Uuid)];

        // Of one that is asked for alone the error is the answer, unless its client wants what is known of it all the same.
        if (asked is [var only] && (arguments.Options & (uint)SampleFacts.AsOneOfMany) == 0)
            return SampleOneAsync(session.Domain(only), options, token);
        return SampleManyAsync(
            session.AskManyAsync(
                asked, options, (connection, domains, end) => domains is null
                    ? connection.GetAllMemoryStatsAsync(options, end)
                    : connection.GetMemoryStatsAsync(domains, options, end),
                static samples => samples.Count, token),
            options);
    }

    private static async ValueTask<SamplesReply> SampleOneAsync(Domain domain, MemoryStatsOptions options, CancellationToken token) =>
        new() { Samples = [ToRecord(domain, await domain.GetMemoryStatsAsync(options, token).ConfigureAwait(false), options)] };

    private static async ValueTask<SamplesReply> SampleManyAsync(Task<IReadOnlyList<DomainMemorySample>> asking, MemoryStatsOptions options) =>
        new() { Samples = [.. (await asking.ConfigureAwait(false)).Select(sample => ToRecord(sample.Domain, sample.Stats, options))] };

    private static async ValueTask<SamplesReply> RefreshAsync(RemoteSession session, RefreshArgs arguments, CancellationToken token)
    {
        Domain domain = session.Domain(arguments.Dom);
        MemoryStatsOptions options = SampleFacts.Options(arguments.Options);
        return new() { Samples = [ToRecord(domain, await domain.RefreshMemoryStatsAsync(options, token).ConfigureAwait(false), options)] };
    }

    public static SampleRecord ToRecord(Domain domain, MemoryStats stats, MemoryStatsOptions options) =>
        SampleRecord.From(LookupHandlers.ToRemote(domain), stats.Facts, stats.JudgedAt, options);
}
