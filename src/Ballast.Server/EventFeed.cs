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
    /// <summary>How many are kept.</summary>
    public const int Kept = 4096;

    private readonly Lock _gate = new();

    private StrongBox<DriverEvent>?[] _last = [];
    private IAsyncDisposable? _subscription;
    private int _clients;
    private long _next;
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
            StrongBox<DriverEvent>? kept = _next - place > Kept || _last.Length == 0 ? null : _last[place % Kept];
            (happened, isMissing) = (kept?.Value ?? default, kept is null);
            return place++ < _next;
        }
    }

    void IDriverEventSink.Add(in DriverEvent happened)
    {
        lock (_gate)
        {
            if (_last.Length == 0)
                return;
            _last[_next % Kept] = new StrongBox<DriverEvent>(happened);
            _next++;
        }

        events.Wake();
    }

    void IDriverEventSink.Interrupt()
    {
        // All are further back now than what is kept.
        lock (_gate)
            _next += Kept + 1;
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
            (_last, _hasEnded) = (new StrongBox<DriverEvent>?[Kept], false);
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
            _last = [];
    }
}
