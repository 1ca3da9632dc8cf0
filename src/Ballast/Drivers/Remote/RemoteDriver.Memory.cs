using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    // One more than libvirt's statistics is room for a tag of tomorrow; more is only asked for by callers that have it.
    private const int UsualStats = 64;

    // Made when they are needed: most connections need neither these nor watches.
    private DerivedSamples? _derived;

    public async ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        if ((options & MemoryStatsOptions.Extended) != 0
            && await TrySampleAsync(domain, options, cancellationToken).ConfigureAwait(false) is { } sample)
        {
            int known = Math.Min(stats.Length, sample.Entries.Count);
            for (int i = 0; i < known; i++)
                stats.Span[i] = sample.Entries[i];
            return known;
        }

        MemoryStat[] told = await AskMemoryStatsAsync(domain, Math.Min(stats.Length, RpcLimits.MaxMemoryStats), cancellationToken).ConfigureAwait(false);
        (MemoryStat[] possible, _) = MemoryStatTable.Sift(told);
        possible.CopyTo(stats);
        return possible.Length;
    }

    public async ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        await TrySampleAsync(domain, options, cancellationToken).ConfigureAwait(false)
            ?? await DeriveSampleAsync(domain, cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<DriverSample>?> TrySampleMemoryAsync(
        IReadOnlyList<DomainIdentity>? domains, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        if (domains is { Count: 0 or > RpcLimits.MaxDomains })
            return null;
        bool isAlone = domains is { Count: 1 };
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        SampleArgs arguments = new()
        {
            Doms = domains is null ? [] : [.. domains.Select(ToRemote)],
            Options = (uint)(options | SampleFacts.Wanted | (isAlone ? SampleFacts.AsOneOfMany : 0)),
        };
        try
        {
            return await link.TrySampleAsync(BallastProcedure.Sample, arguments, changesSomething: false, cancellationToken).ConfigureAwait(false) is { } reply
                ? [.. reply.Samples.Select(record => new DriverSample(FromRemote(record.Dom), ToSample(record)))]
                : null;
        }
        catch (LibvirtException e) when (isAlone && e.Code is not (ErrorCode.OperationTimeout or ErrorCode.NoDomain) && link == Link)
        {
            // An older daemon answers the error of one that is asked for alone.
            return null;
        }
    }

    public async ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        RefreshArgs arguments = new() { Dom = ToRemote(domain), Options = (uint)(options | SampleFacts.Wanted) };
        return await link.TrySampleAsync(BallastProcedure.Refresh, arguments, changesSomething: true, cancellationToken).ConfigureAwait(false) is { } reply
            ? Single(reply)
            : throw LibvirtError.Report(ErrorCode.NoSupport, ErrorOrigin.Remote,
                "refresh: the daemon speaks libvirt's protocol only, which has no word for it; set a short collection period, or connect through ballastd");
    }

    public async ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await TrySampleAsync(domain, MemoryStatsOptions.None, cancellationToken).ConfigureAwait(false) is { } sample
            ? (int)Math.Min((sample.Period ?? throw Unknown("collection period")).TotalSeconds, int.MaxValue)
            : new LibvirtDomainXml(await GetXmlAsync(domain, DomainXmlFlags.None, cancellationToken).ConfigureAwait(false)).PeriodSeconds;

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSetMemoryStatsPeriod,
            new PeriodArgs { Dom = ToRemote(domain), Period = seconds, Flags = (uint)impact }, cancellationToken);

    public ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSetMemoryFlags,
            new MemoryFlagsArgs { Dom = ToRemote(domain), Memory = kib, Flags = (uint)impact }, cancellationToken);

    public ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSetMemoryFlags,
            new MemoryFlagsArgs { Dom = ToRemote(domain), Memory = kib, Flags = (uint)impact | RemoteFlags.MaximumMemory }, cancellationToken);

    public async ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        // No domains on the wire means all of them.
        if (domains is { Count: 0 })
            return [];
        AllStatsReply reply = await AskAsync<AllStatsArgs, AllStatsReply>(
            RemoteProcedure.ConnectGetAllDomainStats,
            new() { Doms = domains is null ? [] : [.. domains.Select(ToRemote)], Stats = (uint)groups, Flags = (uint)flags },
            cancellationToken).ConfigureAwait(false);
        return
        [
            .. reply.RetStats.Select(record => new DriverStatsRecord(
                FromRemote(record.Dom), [.. record.Params.Select(parameter => parameter.ToParameter()).OfType<TypedParameter>()])),
        ];
    }

    private async ValueTask<MemoryStats?> TrySampleAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        SampleArgs arguments = new() { Doms = [ToRemote(domain)], Options = (uint)(options | SampleFacts.Wanted) };
        return await link.TrySampleAsync(BallastProcedure.Sample, arguments, changesSomething: false, cancellationToken).ConfigureAwait(false) is { } reply
            ? Single(reply)
            : null;
    }

    /// <summary>What libvirt's protocol tells, with what can be derived from it. Where the monitor is silent, the last that was told.</summary>
    private async ValueTask<MemoryStats> DeriveSampleAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        DerivedSamples derived = _derived ?? BeginToDerive();
        try
        {
            long askedAt = TimeProvider.GetTimestamp();
            MemoryStat[] told = await AskMemoryStatsAsync(domain, UsualStats, cancellationToken).ConfigureAwait(false);
            DomainStateInfo state = await GetStateAsync(domain, cancellationToken).ConfigureAwait(false);
            return derived.Learn(domain, told, askedAt, state, await TryGetXmlAsync(domain, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
        {
            return derived.LastOf(domain, e);
        }
    }

    /// <summary>Only events tell of resets, so they are wanted from the first sample on. Nobody waits for the daemon's consent, nor needs it.</summary>
    private DerivedSamples BeginToDerive()
    {
        DerivedSamples derived = new(TimeProvider, _endpoint is { SharesClock: true });
        if (Interlocked.CompareExchange(ref _derived, derived, null) is { } first)
            return first;
        _ = SubscribeAsync();
        return derived;

        async Task SubscribeAsync()
        {
            try
            {
                // Until the connection is closed.
                _ = await _events.SubscribeAsync(derived.Reports, _end.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LibvirtException or OperationCanceledException or ObjectDisposedException)
            {
                // A daemon without events: counters that fall tell of most resets, too.
            }
            catch (Exception e)
            {
                Unattended.Note(e);
            }
        }
    }

    private async ValueTask<LibvirtDomainXml?> TryGetXmlAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        try
        {
            return new LibvirtDomainXml(await GetXmlAsync(domain, DomainXmlFlags.None, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return null;
        }
    }

    private async ValueTask<MemoryStat[]> AskMemoryStatsAsync(DomainIdentity domain, int room, CancellationToken cancellationToken)
    {
        MemoryStatsReply reply = await AskAsync<MemoryStatsArgs, MemoryStatsReply>(
            RemoteProcedure.DomainMemoryStats, new() { Dom = ToRemote(domain), MaxStats = (uint)room }, cancellationToken).ConfigureAwait(false);
        return reply.Stats.Length <= room
            ? [.. reply.Stats.Select(entry => new MemoryStat((MemoryStatTag)entry.Tag, entry.Value))]
            : throw RpcErrors.BadReply(RemoteProcedure.DomainMemoryStats, $"it has {reply.Stats.Length} statistics, more than the {room} asked for");
    }

    private static MemoryStats Single(in SamplesReply reply) => reply.Samples is [var only]
        ? ToSample(only)
        : throw RpcErrors.Bare($"the daemon's sample cannot be used: it has {reply.Samples.Length} domains instead of one");

    private static MemoryStats ToSample(in SampleRecord record)
    {
        try
        {
            return record.ToSample();
        }
        catch (XdrException e)
        {
            throw RpcErrors.Bare($"the daemon's sample cannot be used: {e.Message}");
        }
    }

    private static LibvirtException Unknown(string what) =>
        LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Remote, $"the daemon does not know the {what}");
}
