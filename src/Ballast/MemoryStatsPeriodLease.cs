namespace Ballast;

/// <summary>
/// A lease on the collection of a domain's statistics, from <see cref="Domain.EnsureMemoryStatsPeriodAsync"/>. While it is
/// held, a collection period is set.
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

    /// <summary>The requested period, in whole seconds.</summary>
    public TimeSpan Period { get; }

    /// <summary>
    /// Whether this connection set the period and will give it back. False if another client had set it before.
    /// </summary>
    public bool IsOurs => _owner.IsOurs(Domain.Uuid);

    /// <summary>
    /// Turns collection off if this connection set the period, the period has not changed, and no other lease of the
    /// connection needs it. If the domain is gone or does not answer, it does nothing.
    /// </summary>
    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _owner.ReleaseAsync(this) : default;
}
