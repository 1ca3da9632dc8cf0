using System.Net.Sockets;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    // Two short-lived readers of one monitor, such as two commands run at once, should meet without an error.
    private static readonly TimeSpan HeldGrace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeldPoll = TimeSpan.FromMilliseconds(10);

    // When a monitor that has not greeted yet is first looked at, to see whether it serves somebody else.
    private static readonly TimeSpan FirstLookForOther = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _lifetime = new();
    private QmpChannel? _channel;
    private Attempt? _attempt;
    private bool _wasSilent;
    private bool _isPeerProven;

    /// <summary>What the monitor said at the last connect; null before the first.</summary>
    public QmpHello? Hello { get; private set; }

    /// <summary>Who listens, as of the last connect.</summary>
    public UnixSocketPeer Peer { get; private set; }

    /// <summary>Whether the monitor was shown to be its owner's: by the peer of a connection, or by the owner's own table.</summary>
    public bool IsProven => Endpoint.IsProvenByTable || Volatile.Read(ref _isPeerProven);

    /// <summary>
    /// Connects where there is no connection. One attempt serves all callers, each of whom waits as long as its own deadline
    /// allows; a monitor that has been silent for longer than that fails at once.
    /// </summary>
    public Task EnsureConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        EnsureConnectedAsync(timeout, _time.GetTimestamp(), cancellationToken);

    private async Task EnsureConnectedAsync(TimeSpan timeout, long askedAt, CancellationToken cancellationToken)
    {
        BreakIfLost();
        while (true)
        {
            Attempt attempt;
            bool isTooLate;
            lock (_gate)
            {
                if (_disposed)
                    throw Closed();
                if (_channel is not null)
                    return;
                if (_attempt is null && PauseError() is { } pause)
                    throw pause;
                long now = _time.GetTimestamp();

                // Of those who meet a monitor that was silent, one waits to see whether it still is.
                if (_wasSilent && HasPassed(_silentSince, timeout, now) && (_attempt is not null || !HasPassed(_connectFailedAt, timeout, now)))
                    throw QmpErrors.KnownHung(Path, _time.GetElapsedTime(_silentSince));
                attempt = _attempt ??= new Attempt(this, IsNamed);
                isTooLate = !attempt.TryExtend(askedAt, timeout);
            }

            TimeSpan left = timeout - _time.GetElapsedTime(askedAt);
            Exception? error;
            try
            {
                error = await attempt.Outcome.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw QmpErrors.NoGreeting(Path, timeout);
            }

            if (error is null)
                return;

            // Somebody who found the monitor gave way to its owner; whoever named it may wait for a moment.
            if (error is LibvirtException { Code: ErrorCode.ResourceBusy } && IsNamed && !attempt.IsNamed)
                continue;

            // The others' time was up, not this caller's, who came when the attempt was ending already.
            if (error is LibvirtException { Code: ErrorCode.OperationTimeout } && isTooLate && !HasPassed(askedAt, timeout, _time.GetTimestamp()))
                continue;
            throw error;
        }
    }

    // The error is returned, because it may be that nobody waits for it any more.
    private async Task<Exception?> ConnectAsync(Attempt attempt)
    {
        // The caller holds the lock until this yields.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(attempt.Deadline, _lifetime.Token);
        try
        {
            await Endpoint.Predecessor.WaitAsync(end.Token).ConfigureAwait(false);
            while (!await TryConnectAsync(attempt, end.Token).ConfigureAwait(false))
            {
            }

            // Who waited for the connection does not go on upon the thread of all sockets.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return null;
        }
        catch (Exception e)
        {
            return Failed(e, attempt);
        }
    }

    /// <summary>False: somebody else was served in between, and may be waited for.</summary>
    private async Task<bool> TryConnectAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        bool isUnknown = await WaitWhileHeldAsync(attempt, cancellationToken).ConfigureAwait(false);
        QmpChannel? channel = null;
        try
        {
            Socket socket = Endpoint.Connect();
            channel = new QmpChannel(socket, _time);
            UnixSocketPeer peer = UnixSocketPeer.Of(socket);
            bool isWhole = Endpoint.CheckPeer(peer);
            void SeeOwner()
            {
                if (!isWhole)
                    Endpoint.CheckAccepted(socket, peer);
                Volatile.Write(ref _isPeerProven, true);
            }

            Task<QmpHello> greeting = QmpHandshake.RunAsync(channel, SeeOwner, cancellationToken);
            if (await IsTakenAsync(greeting, socket, isUnknown).ConfigureAwait(false))
            {
                channel.Dispose();
                _ = greeting.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

                // Whoever cannot see who is served does not wait in a queue that may be an owner's.
                if (isUnknown)
                    throw QmpErrors.NoGreeting(Path, HeldGrace);
                NoteHeld();
                return attempt.IsNamed && !HasPassed(attempt.Since, HeldGrace, _time.GetTimestamp())
                    ? false
                    : throw QmpErrors.Busy(Path);
            }

            Connected(channel, await greeting.ConfigureAwait(false), peer);
            return true;
        }
        catch
        {
            channel?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the monitor serves somebody else, who came between the look and the connection: then its queue is left at
    /// once. A greeting that does not come without anybody else there is waited for.
    /// </summary>
    private async Task<bool> IsTakenAsync(Task<QmpHello> greeting, Socket socket, bool isUnknown)
    {
        for (TimeSpan pause = FirstLookForOther; !greeting.IsCompleted; pause += pause)
        {
            using CancellationTokenSource enough = new();
            Task first = await Task.WhenAny(greeting, Task.Delay(isUnknown ? HeldGrace : pause, _time, enough.Token)).ConfigureAwait(false);
            await enough.CancelAsync().ConfigureAwait(false);
            if (first != greeting && (isUnknown || Endpoint.ServesOther(socket)))
                return true;
        }

        return false;
    }

    private Exception Translate(Exception error, TimeSpan waited) => error switch
    {
        LibvirtException or ObjectDisposedException => error,
        OperationCanceledException when _lifetime.IsCancellationRequested => Closed(),
        OperationCanceledException => QmpErrors.NoGreeting(Path, waited),
        EndOfStreamException => QmpErrors.Lost(Path, null),
        _ => QmpErrors.Lost(Path, error),
    };

    private Exception Failed(Exception cause, Attempt attempt)
    {
        Exception error = Translate(cause, _time.GetElapsedTime(attempt.Since));
        lock (_gate)
        {
            _attempt = null;
            NoteEnd(cause, attempt.Since);
            bool isSilent = error is LibvirtException { Code: ErrorCode.OperationTimeout };
            if (isSilent && !_wasSilent)
                _silentSince = attempt.Since;
            _wasSilent = isSilent;
            _connectFailedAt = _time.GetTimestamp();
            if (!_disposed && error is LibvirtException refused)
                Log.Refused(refused);
        }

        attempt.Dispose();
        return error;
    }

    private void Connected(QmpChannel channel, QmpHello hello, UnixSocketPeer peer)
    {
        lock (_gate)
        {
            if (_disposed)
                throw Closed();
            _attempt?.Dispose();
            _attempt = null;
            _wasSilent = false;

            // The same QEMU's past counts, though nobody listened meanwhile.
            if (Hello is not { } before || (before.Name, before.Uuid) != (hello.Name, hello.Uuid) || Peer.Pid != peer.Pid)
                _history = new();
            if (hello.RunState is { } told)
                _ = _history.Note(told, hello.IsRunning);
            Hello = hello;
            Peer = peer;
            (_connection, _lastReset) = (Interlocked.Increment(ref _connections), null);
            _actualBytes = hello.ActualBytes;
            _sizeToldAt = null;
            NoteMove();
            NoteUse(_time.GetTimestamp());
            UseBalloon(hello.Balloon);
            _channel = channel;
            Metrics.OpenMonitors.Add(1);
            Log.Connected(peer.Pid);
            NoteConnected();
            foreach (IMonitorListener listener in _listeners)
                listener.Connected(_history.State, _actualBytes);
            _receiving = ReceiveAllAsync(channel);
        }

        MonitorCourtesy.Watch(this, _time);
    }

    /// <summary>An attempt to connect, which lasts as long as one of those who wait for it may.</summary>
    private sealed class Attempt : IDisposable
    {
        private readonly QmpMonitor _monitor;
        private readonly CancellationTokenSource _deadline;
        private long _until;

        /// <summary>The lock is held.</summary>
        public Attempt(QmpMonitor monitor, bool isNamed)
        {
            _monitor = monitor;
            _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, monitor._time);
            IsNamed = isNamed;
            Since = monitor._time.GetTimestamp();
            _until = long.MinValue;
            Outcome = monitor.ConnectAsync(this);
        }

        public bool IsNamed { get; }

        public long Since { get; }

        public Task<Exception?> Outcome { get; }

        public CancellationToken Deadline => _deadline.Token;

        /// <summary>Lets it last for one more caller; false where its time was up before. The lock is held.</summary>
        public bool TryExtend(long askedAt, TimeSpan timeout)
        {
            long until = askedAt + (long)(timeout.TotalSeconds * _monitor._time.TimestampFrequency);
            if (until > _until)
            {
                _until = until;
                TimeSpan left = _monitor._time.GetElapsedTime(_monitor._time.GetTimestamp(), until);
                _deadline.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }

            return !_deadline.IsCancellationRequested;
        }

        public void Dispose() => _deadline.Dispose();
    }
}
