using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// The events since <see cref="Connection.SubscribeAsync"/> returned, for one reader, in order. The subscription ends when
/// it or the connection is disposed. If the queue is full, further events are only counted.
/// </summary>
public sealed class DomainEventSubscription : IAsyncEnumerable<DomainEvent>, IAsyncDisposable, IDriverEventSink
{
    // What a daemon calls a domain may be megabytes long. Ordinary events are fewer than this at any capacity in use.
    internal const long MostBytes = 16 * 1024 * 1024;

    private readonly Connection _connection;
    private readonly DomainEventFilter _filter;
    private readonly Queue<DomainEvent> _waiting = new();
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private IAsyncDisposable? _registration;
    private long _bytes;
    private long _missed;
    private bool _ended;
    private Exception? _error;

    internal DomainEventSubscription(Connection connection, DomainEventFilter filter)
    {
        _connection = connection;
        _filter = filter;
    }

    /// <summary>The events; for one reader at a time.</summary>
    /// <param name="cancellationToken">Stops reading. The subscription continues.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async IAsyncEnumerator<DomainEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            // Before the look: what came ahead of the end is still yielded.
            bool ended = Volatile.Read(ref _ended);
            if (TryTake(out DomainEvent? next))
                yield return next;
            else if (ended)
                break;
            else
                await _arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (_error is not null)
            throw _error;
    }

    /// <summary>Ends the subscription.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // First, for it gets what happened until now.
            if (Interlocked.Exchange(ref _registration, null) is { } registration)
                await registration.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            ((IDriverEventSink)this).End(null);
            _connection.Forget(this);
        }
    }

    /// <summary>Is told when events come again after an interruption: what happened until then is missing, and from then on nothing. Must not block.</summary>
    internal Action? OnResumed { get; set; }

    internal async ValueTask RegisterAsync(IDriver driver, CancellationToken cancellationToken) =>
        _registration = await driver.SubscribeAsync(
            _filter.Kinds, _filter.Domain?.Identity, this, cancellationToken).ConfigureAwait(false);

    void IDriverEventSink.Add(in DriverEvent happened)
    {
        if ((happened.Kind & _filter.Kinds) == 0 || (_filter.Domain is { } wanted && wanted.Uuid != happened.Domain.Uuid))
            return;
        lock (_gate)
        {
            if (_ended)
                return;

            // Once something is missed, all is until the reader was told: so it knows where the gap is.
            long bytes = happened.Bytes;
            if (_missed > 0 || _waiting.Count >= _filter.Capacity || (_waiting.Count > 0 && _bytes + bytes > MostBytes))
            {
                _missed++;
            }
            else
            {
                _waiting.Enqueue(ToPublic(happened));
                _bytes += bytes;
            }

            Wake();
        }
    }

    void IDriverEventSink.Interrupt()
    {
        lock (_gate)
        {
            // Always kept: without it the gap would not be known.
            if (!_ended)
                _waiting.Enqueue(new EventsMissed(EventsMissedCause.ConnectionLost, null));
            Wake();
        }
    }

    void IDriverEventSink.Miss(long count)
    {
        lock (_gate)
        {
            if (!_ended)
                _missed += count;
            Wake();
        }
    }

    void IDriverEventSink.Resume() => OnResumed?.Invoke();

    void IDriverEventSink.End(Exception? error)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _error = error;
            _ended = true;
            Wake();
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DomainEvent? next)
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out next))
            {
                // Exact again at the latest when nothing waits.
                _bytes = _waiting.Count == 0 ? 0 : _bytes - Bytes(next);
                return true;
            }

            if (_missed == 0)
                return false;
            next = new EventsMissed(EventsMissedCause.SlowReader, _missed);
            _missed = 0;
            return true;
        }
    }

    private static long Bytes(DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent e => DriverEvent.BytesOf(e.Domain.Name, null),
        DomainRebootEvent e => DriverEvent.BytesOf(e.Domain.Name, null),
        BalloonChangeEvent e => DriverEvent.BytesOf(e.Domain.Name, null),
        MetadataChangeEvent e => DriverEvent.BytesOf(e.Domain.Name, e.NamespaceUri),
        _ => 0,
    };

    // One wake-up is enough for all that waits.
    private void Wake()
    {
        if (_arrived.CurrentCount == 0)
            _ = _arrived.Release();
    }

    private DomainEvent ToPublic(in DriverEvent happened)
    {
        Domain domain = new(_connection, happened.Domain);
        return happened.Kind switch
        {
            DomainEventKinds.Lifecycle => new DomainLifecycleEvent(domain, happened.Change, happened.Detail),
            DomainEventKinds.Reboot => new DomainRebootEvent(domain),
            DomainEventKinds.MetadataChange => new MetadataChangeEvent(domain, happened.Metadata, happened.NamespaceUri),
            _ => new BalloonChangeEvent(domain, happened.ActualKiB),
        };
    }
}
