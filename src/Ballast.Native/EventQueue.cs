using System.Diagnostics.CodeAnalysis;

namespace Ballast.Native;

/// <summary>
/// Events of one connection on their way to the program's event loop. They wait in <see cref="WaitingEvents"/>, so that a
/// program that never runs its loop costs no more memory than these.
/// </summary>
internal sealed class EventQueue : IDisposable
{
    private readonly DomainEventSubscription _events;
    private readonly WaitingEvents _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;

    /// <param name="events">The subscription; of unlimited capacity, as everything is taken out of it at once.</param>
    public EventQueue(DomainEventSubscription events)
    {
        _events = events;
        Signal = new Signal();
        _reading = ReadAsync();
    }

    /// <summary>A descriptor that is readable when something came.</summary>
    public Signal Signal { get; }

    public bool TryTake([NotNullWhen(true)] out object? happened)
    {
        happened = null;
        return !_stop.IsCancellationRequested && _waiting.TryTake(out happened);
    }

    /// <summary>Nothing comes any more.</summary>
    public void Stop()
    {
        _stop.Cancel();
        try
        {
            Blocking.WaitToTheEnd(_events.DisposeAsync().AsTask());
            Blocking.WaitToTheEnd(_reading);
        }
        catch (Exception e) when (e is OperationCanceledException or CallException)
        {
            // So it ends; or there is no thread on which it could, and nobody takes what it still adds.
        }
    }

    public void Dispose()
    {
        Signal.Close();
        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (DomainEvent happened in _events.WithCancellation(_stop.Token).ConfigureAwait(false))
                Add(happened);
        }
        catch (OperationCanceledException)
        {
            // Nobody is registered any more.
        }
        catch (Exception e)
        {
            // However the events ended, there will be no more of them.
            Add(new ConnectionLost(ConnectionLost.ReasonOf(e)));
        }
    }

    private void Add(object happened)
    {
        _waiting.Add(happened);
        Signal.Tell();
    }

    /// <summary>The daemon is gone.</summary>
    /// <param name="Reason">libvirt's <c>virConnectCloseReason</c>.</param>
    public sealed record ConnectionLost(int Reason)
    {
        public const int EndOfFile = 1, Keepalive = 2;

        // libvirt has no error code of its own for it either.
        public static int ReasonOf(Exception error) =>
            error is LibvirtException { Code: ErrorCode.InternalError, Origin: ErrorOrigin.Rpc } && error.Message.Contains("keepalive timeout", StringComparison.Ordinal)
                ? Keepalive : EndOfFile;
    }
}
