using System.Threading.Tasks.Sources;

namespace Ballast.Transports;

/// <summary>Whether a socket has something to read, for one who waits for it.</summary>
internal sealed class SocketReadiness : IValueTaskSource, ICancellable
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationTokenRegistration _registration;
    private volatile State _state;

    private enum State
    {
        /// <summary>Nothing is known to have come, and nobody waits.</summary>
        Idle,
        Waiting,
        Readable,
        Closed,
    }

    public bool IsClosed => _state == State.Closed;

    /// <summary>There is something to read. Who waits for it goes on upon this thread.</summary>
    public void Set()
    {
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

    /// <summary>Until there is something to read.</summary>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
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

        ObjectDisposedException.ThrowIf(before == State.Closed, typeof(PolledSocket));
        if (cancellationToken.CanBeCanceled)
            _registration = Unattended.Register(this, cancellationToken);

        return new ValueTask(this, version);
    }

    /// <summary>The socket is closed, as whoever waits is told.</summary>
    /// <param name="isError">Whether by an exception; else whoever waits has to look.</param>
    public void Close(bool isError)
    {
        if (Interlocked.Exchange(ref _state, State.Closed) == State.Waiting)
            EndElsewhere(isError ? new ObjectDisposedException(nameof(PolledSocket)) : null);
    }

    void ICancellable.Cancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref _state, State.Idle, State.Waiting) == State.Waiting)
            EndElsewhere(new OperationCanceledException(token));
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

    // Whoever cancels or closes may hold a lock.
    private void EndElsewhere(Exception? error)
    {
        _core.RunContinuationsAsynchronously = true;
        if (error is null)
            _core.SetResult(true);
        else
            _core.SetException(error);
    }
}
