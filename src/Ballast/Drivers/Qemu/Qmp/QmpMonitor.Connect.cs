using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private const int Eagain = 11;

    // Two short-lived readers of one monitor, such as two commands run at once, should meet without an error.
    private static readonly TimeSpan HeldGrace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeldPoll = TimeSpan.FromMilliseconds(10);

    // How long a found monitor that was seen held is left alone after its owner went.
    private static readonly TimeSpan OwnersReturn = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _lifetime = new();
    private long? _heldAt;
    private QmpChannel? _channel;
    private Task<Exception?>? _connecting;
    private long _connectFailedAt;
    private bool _wasSilent;

    /// <summary>What the monitor said at the last connect; null before the first.</summary>
    public QmpHello? Hello { get; private set; }

    /// <summary>Who listens, as of the last connect.</summary>
    public UnixSocketPeer Peer { get; private set; }

    /// <summary>Who must listen, for a monitor that was found and not named; nothing is sent to anybody else.</summary>
    public uint? ExpectedUid { get; set; }

    /// <summary>Connects where there is no connection. One attempt serves all callers; a monitor that was just found silent fails at once.</summary>
    public Task EnsureConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        EnsureConnectedAsync(timeout, _time.GetTimestamp(), cancellationToken);

    private async Task EnsureConnectedAsync(TimeSpan timeout, long askedAt, CancellationToken cancellationToken)
    {
        Task<Exception?> connecting;
        lock (_gate)
        {
            if (_disposed)
                throw Closed();
            if (_channel is not null)
                return;
            // Of those who meet a monitor that was silent, one waits to see whether it still is.
            if (_wasSilent && (_connecting is not null || !HasPassed(_connectFailedAt, timeout, _time.GetTimestamp())))
                throw QmpErrors.KnownHung(Path, _time.GetElapsedTime(_silentSince));
            connecting = _connecting ??= ConnectAsync(timeout);
        }

        TimeSpan left = timeout - _time.GetElapsedTime(askedAt);
        Exception? error;
        try
        {
            error = await connecting.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw QmpErrors.NoGreeting(Path, timeout);
        }

        if (error is not null)
            throw error;
    }

    // The error is returned, because it may be that nobody waits for it any more.
    private async Task<Exception?> ConnectAsync(TimeSpan timeout)
    {
        // The caller holds the lock until this yields.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        long since = _time.GetTimestamp();
        using CancellationTokenSource deadline = new(timeout, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _lifetime.Token);
        QmpChannel? channel = null;
        try
        {
            await WaitWhileHeldAsync(end.Token).ConfigureAwait(false);
            Socket socket = OpenSocket();
            channel = new QmpChannel(socket);
            UnixSocketPeer peer = UnixSocketPeer.Of(socket);
            if (ExpectedUid is { } expected && peer.Uid != expected)
                throw QmpErrors.WrongPeer(Path, expected, peer.Uid);
            QmpHello hello = await QmpHandshake.RunAsync(channel, end.Token).ConfigureAwait(false);
            Connected(channel, hello, peer);

            // Who waited for the connection does not go on upon the thread of all sockets.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return null;
        }
        catch (Exception e)
        {
            channel?.Dispose();
            return Failed(Translate(e, timeout), since);
        }
    }

    private Exception Translate(Exception error, TimeSpan timeout) => error switch
    {
        LibvirtException or ObjectDisposedException => error,
        OperationCanceledException when _lifetime.IsCancellationRequested => Closed(),
        OperationCanceledException => QmpErrors.NoGreeting(Path, timeout),
        EndOfStreamException => QmpErrors.Lost(Path, null),
        _ => QmpErrors.Lost(Path, error),
    };

    private Exception Failed(Exception error, long since)
    {
        lock (_gate)
        {
            _connecting = null;
            bool isSilent = error is LibvirtException { Code: ErrorCode.OperationTimeout };
            if (isSilent && !_wasSilent)
                _silentSince = since;
            _wasSilent = isSilent;
            _connectFailedAt = _time.GetTimestamp();
        }

        return error;
    }

    private void Connected(QmpChannel channel, QmpHello hello, UnixSocketPeer peer)
    {
        lock (_gate)
        {
            if (_disposed)
                throw Closed();
            _connecting = null;
            _wasSilent = false;

            Hello = hello;
            Peer = peer;
            _actualBytes = hello.ActualBytes;
            _sizeToldAt = null;
            NoteMove();
            _wasIncoming = _wasResumed = _wasMigrated = false;
            NoteRunState(hello.RunState);
            UseBalloon(hello.Balloon);
            _channel = channel;
            foreach (IMonitorListener listener in _listeners)
                listener.Connected(_runState, _actualBytes);
            _receiving = ReceiveAllAsync(channel);
        }
    }

    private async Task WaitWhileHeldAsync(CancellationToken cancellationToken)
    {
        bool isFound = ExpectedUid is not null;
        long since = _time.GetTimestamp();
        while (UnixSocketTable.IsHeld(Path))
        {
            _heldAt = _time.GetTimestamp();
            if (isFound || _time.GetElapsedTime(since) >= HeldGrace)
                throw QmpErrors.Busy(Path, SocketHolder.Describe(Path));
            await Task.Delay(HeldPoll, _time, cancellationToken).ConfigureAwait(false);
        }

        // Its owner may be about to connect again: who takes the place in between keeps the owner waiting for ever.
        if (isFound && _heldAt is { } heldAt && !HasPassed(heldAt, OwnersReturn, _time.GetTimestamp()))
            throw QmpErrors.Busy(Path, "a program that left it a moment ago and may come back");
    }

    private Socket OpenSocket()
    {
        int errno = UnixSocketClient.TryConnect(Path, out Socket? socket);
        // A full queue of waiting clients though nobody is served: QEMU does not run.
        return socket ?? throw (errno == Eagain ? QmpErrors.NotAccepting(Path) : QmpErrors.CannotConnect(Path, errno));
    }
}
