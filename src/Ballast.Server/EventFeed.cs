using System.Runtime.CompilerServices;
using Ballast.Drivers;

namespace Ballast.Server;

/// <summary>
/// What happens on one connection: one subscription, for as long as a client registered for anything, and the last events. Each client
/// reads from where it stands; who stands further back than they reach has missed some. So events cost the same memory, however many
/// clients wait for them.
/// </summary>
internal sealed class EventFeed(Connection connection, ServerEvents events) : IDriverEventSink
{
    /// <summary>How many are kept at most.</summary>
    public const int Kept = 4096;

    /// <summary>
    /// How much is kept at most, but for the last event, which is always kept. A client names namespaces and domains as it likes, and shall
    /// not fill the daemon. Of ordinary events, <see cref="Kept"/> are less.
    /// </summary>
    public const long MostBytes = 2 * 1024 * 1024;

    private readonly Lock _gate = new();

    private StrongBox<DriverEvent>?[] _last = [];
    private IAsyncDisposable? _subscription;
    private int _clients;
    private long _first;
    private long _next;
    private long _bytes;
    private bool _hasEnded;

    /// <summary>The place behind the last event that is known here.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>The place of the first event that is still to happen.</summary>
    public long Now()
    {
        (Volatile.Read(ref _subscription) as IDriverSubscription)?.Settle();
        return Next;
    }

    /// <summary>One comes or goes at a time; never disposed, because it has no handle.</summary>
    private SemaphoreSlim Changing { get; } = new(1);

    /// <summary>When this returned, the subscription stands: what happens from then on is here. The client is to leave.</summary>
    public async ValueTask JoinAsync(CancellationToken cancellationToken)
    {
        await Changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_subscription is null || Volatile.Read(ref _hasEnded))
                await SubscribeAsync(cancellationToken).ConfigureAwait(false);
            _clients++;
        }
        finally
        {
            Changing.Release();
        }
    }

    public async ValueTask LeaveAsync()
    {
        await Changing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (--_clients == 0)
                await UnsubscribeAsync().ConfigureAwait(false);
        }
        finally
        {
            Changing.Release();
        }
    }

    /// <summary>The event at a place, and the next place; false: none is there yet.</summary>
    /// <param name="place">Where the reader stands.</param>
    /// <param name="happened">The event.</param>
    /// <param name="isMissing">Whether it is not kept any more.</param>
    public bool TryRead(ref long place, out DriverEvent happened, out bool isMissing)
    {
        lock (_gate)
        {
            isMissing = place < _first;
            happened = place >= _first && place < _next ? _last[place % Kept]!.Value : default;
            return place++ < _next;
        }
    }

    void IDriverEventSink.Add(in DriverEvent happened)
    {
        lock (_gate)
        {
            if (_last.Length == 0)
                return;
            while (_first < _next && (_next - _first == Kept || _bytes + happened.Bytes > MostBytes))
                ForgetFirst();
            _last[_next % Kept] = new StrongBox<DriverEvent>(happened);
            _bytes += happened.Bytes;
            _next++;
        }

        events.Wake();
    }

    void IDriverEventSink.Interrupt()
    {
        // All are further back now than what is kept, those as well who have read everything.
        lock (_gate)
        {
            _next++;
            Keep(_last);
        }

        events.Wake();
    }

    void IDriverEventSink.End(Exception? error)
    {
        Volatile.Write(ref _hasEnded, true);
        if (error is not null)
            ((IDriverEventSink)this).Interrupt();
    }

    private async ValueTask SubscribeAsync(CancellationToken cancellationToken)
    {
        await UnsubscribeAsync().ConfigureAwait(false);
        lock (_gate)
        {
            Keep(new StrongBox<DriverEvent>?[Kept]);
            _hasEnded = false;
        }

        _subscription = await connection.Driver.SubscribeAsync(DomainEventKinds.All, null, this, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask UnsubscribeAsync()
    {
        if (_subscription is { } subscription)
        {
            _subscription = null;
            await subscription.DisposeAsync().ConfigureAwait(false);
        }

        lock (_gate)
            Keep([]);
    }

    // The lock is held.
    private void ForgetFirst()
    {
        ref StrongBox<DriverEvent>? first = ref _last[_first++ % Kept];
        _bytes -= first!.Value.Bytes;
        first = null;
    }

    // From now on there, and nothing of what was. The lock is held.
    private void Keep(StrongBox<DriverEvent>?[] place)
    {
        Array.Clear(place);
        (_last, _first, _bytes) = (place, _next, 0);
    }
}
