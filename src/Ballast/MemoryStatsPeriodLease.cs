namespace Ballast;

/// <summary>
/// A lease on the collection of a domain's statistics, from <see cref="Domain.EnsureMemoryStatsPeriodAsync"/>: as long as
/// it is held, a period is set.
/// </summary>
public sealed class MemoryStatsPeriodLease : IAsyncDisposable
{
    private readonly PeriodLeases _owner;
    private int _disposed;

    internal MemoryStatsPeriodLease(PeriodLeases owner, Domain domain, TimeSpan period)
    {
        _owner = owner;
        Domain = domain;
        Period = period;
    }

    /// <summary>The domain.</summary>
    public Domain Domain { get; }

    /// <summary>The period that was asked for, in whole seconds.</summary>
    public TimeSpan Period { get; }

    /// <summary>Whether the period that is set is ours, to be given back; else somebody else's was there before.</summary>
    public bool IsOurs => _owner.IsOurs(Domain.Uuid);

    /// <summary>
    /// Gives the period back, if it was set here, is still as it was set, and no other lease of the connection needs it.
    /// Where the domain is gone or does not answer, there is nothing more to do.
    /// </summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _owner.ReleaseAsync(this) : default;
}
