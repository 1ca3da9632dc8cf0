using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>
/// A connected socket, for one reader and one writer. Who waits for bytes goes on upon a thread of its
/// <see cref="SocketPoller"/>, and must not block there. A peer that sends without end gets no more than its turn of it. It asks
/// the system itself: the first of the runtime's sockets starts a thread that would have nothing to do.
/// </summary>
internal sealed class PolledSocket : IDisposable
{
    // More than a peer sends in answer to anything; taken within some hundred microseconds.
    private const int TurnBytes = 64 * 1024;

    // What each portion counts for at least: to take it costs as much.
    private const int LeastBytes = 256;

    private readonly SafeHandle _socket;
    private readonly SocketPoller _poller;
    private readonly SocketCalls _calls;
    private readonly SocketReadiness _readiness = new();
    private readonly OwnDescriptor _descriptor;
    private readonly long _key;
    private TaskCompletionSource? _room;
    private bool _isDrained;
    private int _turn;
    private volatile bool _isLast;
    private volatile bool _hasHungUp;
    private Action? _hungUp;

    /// <summary>The socket is closed with this, and where this cannot be made.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="poller">Who waits for what comes; where none is given, the process's.</param>
    /// <exception cref="LibvirtException">The system has no room to wait for it.</exception>
    public PolledSocket(SafeHandle socket, SocketPoller? poller = null)
    {
        _socket = socket;
        _poller = poller ?? SocketPoller.Shared;
        try
        {
            _calls = new SocketCalls(socket);
            _descriptor = new OwnDescriptor(socket);
            _key = _poller.Add(this, socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public SafeHandle Handle => _socket;

    /// <summary>False where the program has closed it, as a descriptor of its own, a moment ago at the latest.</summary>
    public bool IsOurs => _descriptor.IsOurs;

    /// <summary>
    /// Whether who receives while we close it is told of an end, and of no error: to throw that through a few methods takes longer than to
    /// be answered.
    /// </summary>
    public bool EndsWhenClosed { get; init; }

    /// <summary>Whether descriptors may come with the bytes.</summary>
    public bool MayBringDescriptors => _calls.MayBringDescriptors;

    public bool WantsRoom => Volatile.Read(ref _room) is not null;

    /// <returns>How many bytes were received; 0 at the end, and where none were asked for, when there is something to receive.</returns>
    /// <exception cref="ConnectionBrokenException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">It was closed; perhaps by the program, as one of its own.</exception>
    /// <exception cref="OperationCanceledException">Also while bytes come without end.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_turn >= TurnBytes)
        {
            // It may have been the thread of all sockets.
            _turn = 0;
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            cancellationToken.ThrowIfCancellationRequested();
        }

        while (true)
        {
            if (EndsWhenClosed && _readiness.IsClosed)
                return 0;

            // Where less than all was asked for had come, only what comes later is still to be read; the end may have come along.
            if (!_isDrained || _isLast)
            {
                if (buffer.IsEmpty)
                    return 0;
                _descriptor.ThrowIfLost();
                int count = _calls.Receive(buffer.Span, out int errno);
                if (count >= 0)
                {
                    _isDrained = count < buffer.Length;
                    _turn += Math.Max(count, LeastBytes);
                    return count;
                }

                // Nothing to read, and nothing to come, is told of a socket whose poller has gone.
                if (errno != SocketCalls.WouldBlock || _isLast)
                    throw Broken(errno);
            }

            ValueTask waiting = _readiness.WaitAsync(cancellationToken);
            if (!waiting.IsCompleted)
                _turn = 0;
            await waiting.ConfigureAwait(false);
            _isDrained = false;
        }
    }

    /// <summary>Sends what there is room for at once.</summary>
    /// <returns>How much that was.</returns>
    /// <exception cref="ConnectionBrokenException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">It was closed; perhaps by the program, as one of its own.</exception>
    public int Send(ReadOnlySpan<byte> buffer)
    {
        _descriptor.ThrowIfLost();
        int sent = _calls.Send(buffer, out int errno);
        return sent >= 0 ? sent : throw Broken(errno);
    }

    /// <summary>Sends all; waits for room by our poller alone: the runtime's own would not see that its descriptor is the program's by now.</summary>
    /// <exception cref="ConnectionBrokenException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">It was closed; perhaps by the program, as one of its own.</exception>
    public async ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            buffer = buffer[Send(buffer.Span)..];
            if (buffer.IsEmpty)
                return;
            await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Until there may be room to send; of a connection that is being made, until it stands or has failed.</summary>
    /// <exception cref="ObjectDisposedException">It was closed; perhaps by the program, as one of its own.</exception>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource room = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _room, room);
        ObjectDisposedException.ThrowIf(_readiness.IsClosed, this);
        _poller.WaitForRoom(_key, _socket);
        await room.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same as <see cref="IsOurs"/>, looked at now: for who is about to use the descriptor.</summary>
    public bool IsStillOurs() => _descriptor.IsStillOurs();

    /// <summary>The poller's: something happened to it, so that it was not closed.</summary>
    public void SawEvent(long timestamp) => _descriptor.SawEvent(timestamp);

    /// <summary>The poller's: there may be room to send.</summary>
    public void Writable() => Interlocked.Exchange(ref _room, null)?.TrySetResult();

    /// <summary>The poller's: there is something to read.</summary>
    /// <param name="isLast">Nothing comes after it.</param>
    public void Readable(bool isLast)
    {
        if (isLast)
            _isLast = true;
        _readiness.Set();
    }

    /// <summary>The poller's: the peer neither sends nor receives any more.</summary>
    public void HungUp()
    {
        _hasHungUp = true;
        Interlocked.MemoryBarrier();
        Volatile.Read(ref _hungUp)?.Invoke();
    }

    /// <summary>Says what is to be done when the peer neither sends nor receives any more; perhaps at once, perhaps more than once. It must not block.</summary>
    public void OnHungUp(Action act)
    {
        Volatile.Write(ref _hungUp, act);
        Interlocked.MemoryBarrier();
        if (_hasHungUp)
            act();
    }

    public void Dispose()
    {
        _poller.Remove(_key);
        _readiness.Close(isError: !EndsWhenClosed);
        Writable();
        if (_calls.MayBringDescriptors && _descriptor.IsStillOurs())
            UnwantedDescriptors.Close(_socket, isShared: OwnDescriptor.AreAtRisk, CloseIfOurs);
        else
            CloseIfOurs();
    }

    // Perhaps later: it is looked at again.
    private void CloseIfOurs()
    {
        // Its number may be another file's: then it is never closed.
        if (_descriptor.IsStillOurs())
            _socket.Dispose();
        else if (_socket is UnixSocketHandle lost)
            lost.Abandon();
        else
            _socket.SetHandleAsInvalid();
    }

    private Exception Broken(int errno) =>
        _descriptor.IsStillOurs() ? new ConnectionBrokenException(errno) : new ClosedByProgramException();
}
