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

    private static readonly Handler ProcessMemory = new Handler<ProcessMemoryArgs, ProcessMemoryReply>(async (session, arguments, token) =>
    {
        Domain[] domains = [.. arguments.Doms.DistinctBy(domain => domain.Uuid).Select(domain => session.Domain(domain))];
        IReadOnlyList<DomainProcessMemory> found = await session.Connection.GetProcessMemoryAsync(domains, token).ConfigureAwait(false);
        return new()
        {
            Processes =
            [
                .. found.Select(one => new ProcessMemoryRecord
                {
                    Dom = LookupHandlers.ToRemote(one.Domain), Facts = HostMemoryFacts.Of(one.Memory), Group = one.Memory.GroupPath,
                }),
            ],
        };
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

    private static async ValueTask<SamplesReply> SampleAsync(RemoteSession session, SampleArgs arguments, CancellationToken token)
    {
        MemoryStatsOptions options = SampleFacts.Options(arguments.Options);
        RemoteDomain[] asked = [.. arguments.Doms.DistinctBy(domain => domain.Uuid)];

        // Of one that is asked for alone the error is the answer, unless its client wants what is known of it all the same.
        if (asked is [var only] && (arguments.Options & (uint)SampleFacts.AsOneOfMany) == 0)
        {
            Domain domain = session.Domain(only);
            return new() { Samples = [ToRecord(domain, await domain.GetMemoryStatsAsync(options, token).ConfigureAwait(false), options)] };
        }

        IReadOnlyList<DomainMemorySample> samples = await session.AskManyAsync(
            asked, options, (connection, domains, end) => domains is null
                ? connection.GetAllMemoryStatsAsync(options, end)
                : connection.GetMemoryStatsAsync(domains, options, end),
            static samples => samples.Count, token).ConfigureAwait(false);
        return new() { Samples = [.. samples.Select(sample => ToRecord(sample.Domain, sample.Stats, options))] };
    }

    private static async ValueTask<SamplesReply> RefreshAsync(RemoteSession session, RefreshArgs arguments, CancellationToken token)
    {
        Domain domain = session.Domain(arguments.Dom);
        MemoryStatsOptions options = SampleFacts.Options(arguments.Options);
        return new() { Samples = [ToRecord(domain, await domain.RefreshMemoryStatsAsync(options, token).ConfigureAwait(false), options)] };
    }

    public static SampleRecord ToRecord(Domain domain, MemoryStats stats, MemoryStatsOptions options) =>
        SampleRecord.From(LookupHandlers.ToRemote(domain), stats.Facts, stats.JudgedAt, options);
}
