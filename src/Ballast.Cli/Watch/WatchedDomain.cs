using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Watch;

/// <summary>The samples of one domain, one after the other, until it ends.</summary>
internal sealed class WatchedDomain(Domain domain, TimeProvider time)
{
    private readonly RateKeeper _rates = new();
    private MemoryStats? _before;
    private long? _contradictedSince;

    /// <summary>The next sample, now.</summary>
    /// <exception cref="CommandException">There is none: the domain has ended, or nobody answers for it.</exception>
    public async ValueTask<FollowedSample> NextAsync(CancellationToken cancellationToken)
    {
        MemoryStats stats;
        DateTimeOffset now = time.GetLocalNow();
        try
        {
            stats = await domain.GetMemoryStatsAsync(cancellationToken: cancellationToken);
        }
        catch (LibvirtException e) when (_before is not null && e.Code is ErrorCode.NoDomain or ErrorCode.OperationInvalid)
        {
            throw new CommandException($"domain '{domain.Name}' has ended");
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to get memory statistics for domain {domain.Name}", e);
        }

        FollowedSample sample = new(now, new MemoryLine(domain, stats, MaximumKiB: null, _rates.Add(domain, stats)), _before, Silence(stats));
        _before = stats;
        return sample;
    }

    // A report that contradicts itself is as good as none. One such may come of a reboot, so their time counts from the first that was
    // seen.
    private TimeSpan? Silence(MemoryStats stats)
    {
        if (stats.Inconsistencies == MemoryStatsInconsistency.None)
            _contradictedSince = null;
        else
            _contradictedSince ??= time.GetTimestamp();
        TimeSpan? contradicted = _contradictedSince is { } since ? time.GetElapsedTime(since) : null;
        if (stats.Reason is MemoryStatsReason.NeverReported or MemoryStatsReason.DriverNotLoaded or MemoryStatsReason.NoBalloonDevice && stats.LastUpdate is null)
            return TimeSpan.MaxValue;
        return stats.Age > contradicted ? stats.Age : contradicted ?? stats.Age;
    }
}
