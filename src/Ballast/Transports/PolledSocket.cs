using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// A connected socket, for one reader and one writer. Who waits for bytes goes on upon a thread of its
/// <see cref="SocketPoller"/>, and must not block there. A peer that sends without end gets no more than its turn of it. It asks
/// the system itself: the first of the runtime's sockets starts a thread that would have nothing to do.
/// </summary>
internal sealed class PolledSocket : IValueTaskSource, ICancellable, IDisposable
{
    // More than a peer sends in answer to anything; taken within some hundred microseconds.
    private const int TurnBytes = 64 * 1024;

    // What each portion counts for at least: to take it costs as much.
    private const int LeastBytes = 256;

    private const int WouldBlock = 11, Interrupted = 4;

    // MSG_DONTWAIT, MSG_NOSIGNAL: whatever the descriptor's own mode is, and the program's signals.
    private const int WithoutWaiting = 0x40, WithoutSignal = 0x4000;

    // MSG_CMSG_CLOEXEC.
    private const int CloseOnExec = 0x40000000;

    // EPROTO. Nobody who speaks our protocols hands over descriptors.
    private const int ProtocolError = 71;

    // The most descriptors of one message, 253, and what else the kernel may tell of its sender.
    private const int ControlBytes = 2048;

    // Instead of a number of bytes: descriptors came with them.
    private const int Descriptors = -2;

    private readonly SafeHandle _socket;
    private readonly SocketPoller _poller;
    private readonly OwnDescriptor _descriptor;
    private readonly long _key;
    private TaskCompletionSource? _room;
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationTokenRegistration _registration;
    private volatile State _state;
    private bool _isDrained;
    private int _turn;
    private volatile bool _isLast;
    private readonly UnwantedDescriptors.Refusal _refusal;
    private volatile bool _mayBringDescriptors;
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
            // Of one that refused them before it was connected, none came.
            UnwantedDescriptors.Refusal? refused = (socket as UnixSocketHandle)?.Refusal;
            _refusal = refused ?? UnwantedDescriptors.Refuse(socket);
            _mayBringDescriptors = _refusal == UnwantedDescriptors.Refusal.Unknown || (_refusal == UnwantedDescriptors.Refusal.Set && refused is null);
            _descriptor = new OwnDescriptor(socket);
            _key = _poller.Add(this, socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private enum State
    {
        /// <summary>Nothing is known to have come, and nobody waits.</summary>
        Idle,
        Waiting,
        Readable,
        Closed,
    }

    public SafeHandle Handle => _socket;

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
            // Where less than all was asked for had come, only what comes later is still to be read; the end may have come along.
            if (!_isDrained || _isLast)
            {
                if (buffer.IsEmpty)
                    return 0;
                _descriptor.ThrowIfLost();
                int count = Receive(buffer.Span, out int errno);
                if (count >= 0)
                {
                    _isDrained = count < buffer.Length;
                    _turn += Math.Max(count, LeastBytes);
                    return count;
                }

                // Nothing to read, and nothing to come, is told of a socket whose poller has gone.
                if (errno != WouldBlock || _isLast)
                    throw Broken(errno);
            }

            ValueTask waiting = WaitAsync(cancellationToken);
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
        while (true)
        {
            int sent = (int)Libc.Send(_socket, buffer, buffer.Length, WithoutWaiting | WithoutSignal);
            if (sent >= 0)
                return sent;
            switch (Marshal.GetLastPInvokeError())
            {
                case WouldBlock:
                    return 0;
                case Interrupted:
                    break;
                case var errno:
                    throw Broken(errno);
            }
        }
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
        ObjectDisposedException.ThrowIf(_state == State.Closed, this);
        _poller.WaitForRoom(_key, _socket);
        await room.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The poller's: there may be room to send.</summary>
    public void Writable() => Interlocked.Exchange(ref _room, null)?.TrySetResult();

    /// <summary>False where the program has closed it, as a descriptor of its own, a moment ago at the latest.</summary>
    public bool IsOurs => _descriptor.IsOurs;

    /// <summary>The same, looked at now: for who is about to use the descriptor.</summary>
    public bool IsStillOurs() => _descriptor.IsStillOurs();

    /// <summary>Whether descriptors may come with the bytes.</summary>
    public bool MayBringDescriptors => _mayBringDescriptors;

    public bool WantsRoom => Volatile.Read(ref _room) is not null;

    /// <summary>The poller's: there is something to read.</summary>
    /// <param name="isLast">Nothing comes after it.</param>
    public void Readable(bool isLast)
    {
        if (isLast)
            _isLast = true;
        while (_state is var state and not State.Closed)
        {
            State next = state == State.Waiting ? State.Idle : State.Readable;
            if (Interlocked.CompareExchange(ref _state, next, state) != state)
                continue;
            if (state == State.Waiting)
                _core.SetResult(true);
            return;
        }
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
        if (Interlocked.Exchange(ref _state, State.Closed) == State.Waiting)
            FailElsewhere(new ObjectDisposedException(nameof(PolledSocket)));
        Writable();
        if (_mayBringDescriptors && _descriptor.IsStillOurs())
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

    void IValueTaskSource.GetResult(short token)
    {
        // After this nobody cancels any more, so it may be waited for again.
        _registration.Dispose();
        _registration = default;
        _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private int Receive(Span<byte> buffer, out int errno)
    {
        while (true)
        {
            bool mayBringDescriptors = _mayBringDescriptors;
            int count = mayBringDescriptors ? ReceiveMessage(buffer) : (int)Libc.Recv(_socket, buffer, buffer.Length, WithoutWaiting);
            errno = count == Descriptors ? ProtocolError : count < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno == Interrupted)
                continue;

            // What came before the kernel refused them is read by now.
            if (mayBringDescriptors && _refusal == UnwantedDescriptors.Refusal.Set && (errno == WouldBlock || (errno == 0 && count < buffer.Length)))
                _mayBringDescriptors = false;
            return count;
        }
    }

    // Where there is no room for them the kernel drops them in this thread.
    private unsafe int ReceiveMessage(Span<byte> buffer)
    {
        byte* control = stackalloc byte[ControlBytes];
        fixed (byte* start = buffer)
        {
            Libc.MessagePart part = new() { Start = (nint)start, Length = buffer.Length };
            Libc.Message message = new() { Parts = (nint)(&part), PartCount = 1, Control = (nint)control, ControlLength = ControlBytes };
            if (UnwantedDescriptors.AreTooMany)
            {
                if (!UnwantedDescriptors.TryLook(_socket, message, out int free))
                    return Descriptors;
                if (free <= 0)
                    return free;

                // What has come since, with more of them, is left for the next look.
                part.Length = free;
            }

            int count = (int)Libc.RecvMsg(_socket, ref message, WithoutWaiting | CloseOnExec);
            return count >= 0 && UnwantedDescriptors.TryClose(new ReadOnlySpan<byte>(control, (int)message.ControlLength)) ? Descriptors : count;
        }
    }

    private Exception Broken(int errno) =>
        _descriptor.IsStillOurs() ? new ConnectionBrokenException(errno) : new ClosedByProgramException();

    private ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _core.Reset();
        _core.RunContinuationsAsynchronously = false;
        short version = _core.Version;
        State before = Interlocked.CompareExchange(ref _state, State.Waiting, State.Idle);
        if (before == State.Readable)
        {
            // It came since.
            _ = Interlocked.CompareExchange(ref _state, State.Idle, State.Readable);
            return default;
        }

        ObjectDisposedException.ThrowIf(before == State.Closed, this);
        if (cancellationToken.CanBeCanceled)
            _registration = Unattended.Register(this, cancellationToken);

        return new ValueTask(this, version);
    }

    void ICancellable.Cancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref _state, State.Idle, State.Waiting) == State.Waiting)
            FailElsewhere(new OperationCanceledException(token));
    }

    // Whoever cancels or closes may hold a lock.
    private void FailElsewhere(Exception error)
    {
        _core.RunContinuationsAsynchronously = true;
        _core.SetException(error);
    }
}
