using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Watch;

/// <summary>The samples of one domain, one after the other, until it ends. While the connection is lost there are none.</summary>
internal sealed class WatchedDomain
{
    private readonly CommandInvocation _invocation;
    private readonly TimeProvider _time;
    private readonly LastingConnection _connection;
    private RateKeeper _rates = new();
    private MemoryStats? _before;
    private ProcessRun? _run;
    private long? _contradictedSince;
    private bool _isSeen;

    public WatchedDomain(CommandInvocation invocation, Domain domain)
    {
        (Domain, _invocation, _time) = (domain, invocation, invocation.TimeProvider);
        _connection = new LastingConnection(invocation) { Prepare = FindAgainAsync };
    }

    public Domain Domain { get; private set; }

    /// <summary>Waits, as long as it takes for the connection to be back too.</summary>
    public async Task WaitAsync(Task due)
    {
        // Now that something is shown, and before it is needed.
        if (_run is null && !_invocation.IsVirsh && _invocation.Connection.IsRemote)
            _run = await ProcessRun.AskAsync(Domain, _time, _invocation.CancellationToken);
        await _connection.WaitAsync(due);
    }

    /// <summary>The next sample, now.</summary>
    /// <exception cref="CommandException">There is none: the domain has ended, or nobody answers for it.</exception>
    public async ValueTask<FollowedSample> NextAsync(CancellationToken cancellationToken)
    {
        MemoryStats stats;
        DateTimeOffset now = default;
        try
        {
            stats = await _connection.AskAsync(() =>
            {
                now = _time.GetLocalNow();
                return Domain.GetMemoryStatsAsync(cancellationToken: cancellationToken).AsTask();
            });
        }
        catch (LibvirtException e) when (_isSeen && e.Code is ErrorCode.NoDomain or ErrorCode.OperationInvalid)
        {
            throw new CommandException($"domain '{Domain.Name}' has ended");
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to get memory statistics for domain {Domain.Name}", e);
        }

        FollowedSample sample = new(now, new MemoryLine(Domain, stats, MaximumKiB: null, _rates.Add(Domain, stats)), _before, Silence(stats));
        (_before, _isSeen) = (stats, true);
        return sample;
    }

    // By its UUID: another one may have its name by now. One that was started again is another QEMU, as where nothing was lost.
    private async Task FindAgainAsync(Connection connection, CancellationToken token)
    {
        Domain found;
        try
        {
            found = await connection.LookupByUuidAsync(Domain.Uuid, token);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            throw new CommandException($"domain '{Domain.Name}' has ended");
        }

        ProcessRun run = await ProcessRun.AskAsync(found, _time, token);
        bool? isSame = _run?.IsSameAs(run, _connection.SeenAt, _time);
        if (found.Id != Domain.Id || isSame == false)
            throw new CommandException($"domain '{Domain.Name}' has ended{(found.Id is null ? "" : ", and was started again")} while the connection was lost");
        Domain = found;
        if (run.RunTime is not null)
            _run = run;
        if (isSame == true)
            return;

        // What may be another system's numbers is not compared with what was seen before.
        (_before, _rates, _contradictedSince) = (null, new RateKeeper(), null);
    }

    // A report that contradicts itself is as good as none. One such may come of a reboot, so their time counts from the first that was
    // seen.
    private TimeSpan? Silence(MemoryStats stats)
    {
        if (stats.Inconsistencies == MemoryStatsInconsistency.None)
            _contradictedSince = null;
        else
            _contradictedSince ??= _time.GetTimestamp();
        TimeSpan? contradicted = _contradictedSince is { } since ? _time.GetElapsedTime(since) : null;
        if (stats.Reason is MemoryStatsReason.NeverReported or MemoryStatsReason.DriverNotLoaded or MemoryStatsReason.NoBalloonDevice && stats.LastUpdate is null)
            return TimeSpan.MaxValue;
        return stats.Age > contradicted ? stats.Age : contradicted ?? stats.Age;
    }
}
