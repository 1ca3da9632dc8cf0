using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Watch;

/// <summary>The samples of one domain, one after the other, until it ends.</summary>
internal sealed class DomainWatch(Domain domain, TimeProvider time)
{
    private readonly RateKeeper _rates = new();
    private MemoryStats? _before;

    /// <summary>The next sample, now.</summary>
    /// <exception cref="CommandException">There is none: the domain has ended, or nobody answers for it.</exception>
    public async ValueTask<WatchedSample> NextAsync(CancellationToken cancellationToken)
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

        WatchedSample sample = new(now, new MemoryLine(domain, stats, MaximumKiB: null, _rates.Add(domain, stats)), _before);
        _before = stats;
        return sample;
    }
}
