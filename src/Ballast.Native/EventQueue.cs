using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Ballast.Native;

/// <summary>Events of one connection on their way to the program's event loop. What does not fit waits in the subscription.</summary>
internal sealed class EventQueue : IDisposable
{
    private const int MaxWaiting = 1024;

    private readonly DomainEventSubscription _events;
    private readonly Channel<object> _waiting = Channel.CreateBounded<object>(MaxWaiting);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;

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
        return !_stop.IsCancellationRequested && _waiting.Reader.TryRead(out happened);
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
                await AddAsync(happened).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Nobody is registered any more.
        }
        catch (Exception)
        {
            // However the events ended, there will be no more of them.
            await AddAsync(new ConnectionLost()).ConfigureAwait(false);
        }
    }

    private async ValueTask AddAsync(object happened)
    {
        await _waiting.Writer.WriteAsync(happened, _stop.Token).ConfigureAwait(false);
        Signal.Tell();
    }

    /// <summary>The daemon is gone.</summary>
    public sealed record ConnectionLost
    {
        /// <summary>libvirt's VIR_CONNECT_CLOSE_REASON_EOF.</summary>
        public const int EndOfFile = 1;
    }
}
