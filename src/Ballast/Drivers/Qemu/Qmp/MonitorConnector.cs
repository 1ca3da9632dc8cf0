using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Connects a monitor where it has no connection. One attempt serves all callers, each of whom waits as long as its own
/// deadline allows; a monitor that has been silent for longer than that fails at once.
/// </summary>
internal sealed class MonitorConnector(QmpMonitor monitor, Lock gate, TimeProvider time) : MonitorPart(gate), IAsyncDisposable
{
    // Two short-lived readers of one monitor, such as two commands run at once, should meet without an error.
    private static readonly TimeSpan HeldGrace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeldPoll = TimeSpan.FromMilliseconds(10);

    // When a monitor that has not greeted yet is first looked at, to see whether it serves somebody else.
    private static readonly TimeSpan LoggerPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstLookForOther = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _lifetime = new();
    private Attempt? _attempt;
    private bool _wasSilent;
    private long _silentSince;
    private long _failedAt;
    private bool _isPeerProven;
    private UnixSocketPeer? _met;

    /// <summary>What the monitor said at the last connect; null before the first.</summary>
    public QmpHello? Hello { get; private set; }

    /// <summary>Who listens, as of the last connect.</summary>
    public UnixSocketPeer Peer { get; private set; }

    /// <summary>Who listened when the last attempt began, whether it greeted or not; null before the first.</summary>
    public UnixSocketPeer? Met
    {
        get
        {
            lock (Gate)
                return _met;
        }
    }

    /// <summary>Whether the peer of a connection was shown to be the monitor's owner.</summary>
    public bool IsPeerProven => Volatile.Read(ref _isPeerProven);

    /// <exception cref="LibvirtException">It cannot be connected to, or not in time.</exception>
    public async Task EnsureConnectedAsync(TimeSpan timeout, long askedAt, CancellationToken cancellationToken)
    {
        monitor.BreakIfLost();
        while (true)
        {
            Attempt attempt;
            bool isTooLate;
            lock (Gate)
            {
                if (monitor.HasConnection)
                    return;
                if (_attempt is null && monitor.Pause.Reason is { } pause)
                    throw pause;
                long now = time.GetTimestamp();

                // Of those who meet a monitor that was silent, one waits to see whether it still is.
                if (_wasSilent && HasPassed(_silentSince, timeout, now) && (_attempt is not null || !HasPassed(_failedAt, timeout, now)))
                    throw QmpErrors.KnownHung(monitor.Path, time.GetElapsedTime(_silentSince));
                attempt = _attempt ??= new Attempt(this, time, monitor.IsNamed);
                isTooLate = !attempt.TryExtend(askedAt, timeout);
            }

            TimeSpan left = timeout - time.GetElapsedTime(askedAt);
            Exception? error;
            try
            {
                error = await attempt.Outcome.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                throw Silent(timeout);
            }

            if (error is null)
                return;

            // Somebody who found the monitor gave way to its owner; whoever named it may wait for a moment.
            if (error is LibvirtException { Code: ErrorCode.ResourceBusy } && monitor.IsNamed && !attempt.IsNamed)
                continue;

            // The others' time was up, not this caller's, who came when the attempt was ending already.
            if (error is LibvirtException { Code: ErrorCode.OperationTimeout } && isTooLate && !HasPassed(askedAt, timeout, time.GetTimestamp()))
                continue;
            throw error;
        }
    }

    /// <summary>The attempt succeeded.</summary>
    /// <returns>Whether it is the QEMU of the last connection.</returns>
    public bool Establish(QmpHello hello, UnixSocketPeer peer)
    {
        AssertLocked();
        _attempt?.Dispose();
        _attempt = null;
        _wasSilent = false;
        bool isSame = Hello is { } before && (before.Name, before.Uuid) == (hello.Name, hello.Uuid) && Peer.Pid == peer.Pid;
        (Hello, Peer) = (hello, peer);
        return isSame;
    }

    /// <summary>Gives up connecting, and returns when the socket is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        Task? connecting;
        lock (Gate)
            connecting = _attempt?.Outcome;
        await _lifetime.CancelAsync().ConfigureAwait(false);
        if (connecting is not null)
            await connecting.ConfigureAwait(false);
        _lifetime.Dispose();
    }

    private bool HasPassed(long since, TimeSpan span, long now) => time.GetElapsedTime(since, now) >= span;

    // The error is returned, because it may be that nobody waits for it any more.
    private async Task<Exception?> ConnectAsync(Attempt attempt)
    {
        // The caller holds the lock until this yields.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(attempt.Deadline, _lifetime.Token);
        try
        {
            await monitor.Endpoint.Predecessor.WaitAsync(end.Token).ConfigureAwait(false);
            while (!await TryConnectAsync(attempt, end.Token).ConfigureAwait(false))
            {
            }

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
            await TellWhatStartsAsync(cancellationToken).ConfigureAwait(false);
            SafeHandle socket = await LookAsync(monitor.Endpoint.Connect, cancellationToken).ConfigureAwait(false);
            channel = new QmpChannel(socket, time);
            UnixSocketPeer peer = UnixSocketPeer.Of(socket);
            lock (Gate)
                _met = peer;
            isUnknown |= monitor.Endpoint.Owner is null && !monitor.Endpoint.SeesAllClientsOf(peer);
            bool isWhole = monitor.Endpoint.CheckPeer(peer);
            void SeeOwner()
            {
                if (!isWhole)
                    monitor.Endpoint.CheckAccepted(socket, peer);
                Volatile.Write(ref _isPeerProven, true);
            }

            // Whoever leaves the queue does not wait for it.
            Task<QmpHello> greeting = QmpHandshake.RunAsync(
                channel, monitor.Endpoint.Owner?.BalloonsLikely ?? QmpHandshake.Containers, SeeOwner, cancellationToken);
            _ = greeting.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            if (await IsTakenAsync(greeting, socket, isUnknown).ConfigureAwait(false))
            {
                channel.Dispose();

                // Whoever cannot see who is served does not wait in a queue that may be an owner's.
                if (isUnknown)
                    throw QmpErrors.NoGreeting(monitor.Path, HeldGrace);
                NoteHeld();
                return attempt.IsNamed && !HasPassed(attempt.Since, HeldGrace, time.GetTimestamp())
                    ? false
                    : throw QmpErrors.Busy(monitor.Path);
            }

            QmpHello hello = await greeting.ConfigureAwait(false);

            // Neither whoever looks at the host nor who waited for the connection does so on the thread of all sockets.
            await SocketPoller.Leave();
            if (isWhole && monitor.Endpoint.Owner?.MayBeCalled(hello.Name) == false)
                monitor.Endpoint.CheckAccepted(socket, peer);
            monitor.Adopt(channel, hello, peer);
            return true;
        }
        catch
        {
            channel?.Dispose();
            throw;
        }
    }

    private Task<T> LookAsync<T>(Func<T> look, CancellationToken cancellationToken) =>
        SingleLook.RunAsync(look, monitor.Path, monitor.Log.LookStuck, cancellationToken);

    private async ValueTask TellWhatStartsAsync(CancellationToken cancellationToken)
    {
        if (monitor.Endpoint.FindWaiting is not { } find)
            return;

        // A logger that hangs keeps nobody from the monitor. Who does not say whether it wants to know is told as soon as it listens.
        Task<bool> asked = monitor.Log.WantsWarningAsync();
        await ((Task)asked).WaitAsync(LoggerPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (asked.IsCompletedSuccessfully && !asked.Result)
            return;
        monitor.Endpoint.FindWaiting = null;
        if (await LookAsync(find, cancellationToken).ConfigureAwait(false) is not { } waiting)
            return;
        Task told = monitor.Log.StartsGuestAsync(waiting);
        if (!asked.IsCompleted)
            return;
        await told.WaitAsync(LoggerPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Waits for a moment while a named monitor is held; a found one is its owner's.</summary>
    /// <returns>Whether nobody can tell who holds it.</returns>
    /// <exception cref="LibvirtException">It is held, or must be taken for held.</exception>
    private async Task<bool> WaitWhileHeldAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (monitor.Endpoint.ReadClients() is not { } clients)
                return attempt.IsNamed ? true : throw QmpErrors.HolderUnknown(monitor.Path);
            if (clients.Count == 0)
                break;
            NoteHeld();
            if (!attempt.IsNamed || HasPassed(attempt.Since, HeldGrace, time.GetTimestamp()))
                throw QmpErrors.HeldBy(monitor.Path, SocketHolder.Describe(clients));
            await Task.Delay(HeldPoll, time, cancellationToken).ConfigureAwait(false);
        }

        // Its owner may be about to connect again: who takes the place in between keeps the owner waiting.
        lock (Gate)
        {
            if (!attempt.IsNamed && monitor.Use.MayOwnerReturn)
                throw QmpErrors.Busy(monitor.Path, "a program that left it a moment ago and may come back");
        }

        return !monitor.Endpoint.SeesAllClients;
    }

    private void NoteHeld()
    {
        lock (Gate)
            monitor.Use.NoteHeld();
    }

    /// <summary>
    /// Whether the monitor serves somebody else, who came between the look and the connection: then its queue is left at
    /// once. A greeting that does not come without anybody else there is waited for.
    /// </summary>
    private async Task<bool> IsTakenAsync(Task<QmpHello> greeting, SafeHandle socket, bool isUnknown)
    {
        for (TimeSpan pause = FirstLookForOther; !greeting.IsCompleted; pause += pause)
        {
            await ((Task)greeting).WaitAsync(isUnknown ? HeldGrace : pause, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!greeting.IsCompleted && (isUnknown || monitor.Endpoint.ServesOther(socket)))
                return true;
        }

        return false;
    }

    /// <summary>Why there was no greeting when time was up: whoever is served there, if that is somebody else, or a monitor that hangs.</summary>
    private LibvirtException Silent(TimeSpan waited)
    {
        if (monitor.Endpoint.FindServed() is not { Count: > 0 } others)
            return QmpErrors.NoGreeting(monitor.Path, waited);
        NoteHeld();
        return QmpErrors.HeldBy(monitor.Path, SocketHolder.Describe(others));
    }

    private Exception Translate(Exception error, TimeSpan waited) => error switch
    {
        LibvirtException or ObjectDisposedException => error,
        OperationCanceledException when _lifetime.IsCancellationRequested => monitor.Closed(),
        OperationCanceledException => Silent(waited),
        EndOfStreamException => QmpErrors.Lost(monitor.Path, null),
        _ => QmpErrors.Lost(monitor.Path, error),
    };

    private Exception Failed(Exception cause, Attempt attempt)
    {
        Exception error = Translate(cause, time.GetElapsedTime(attempt.Since));
        lock (Gate)
        {
            _attempt = null;
            monitor.Pause.NoteEnd(cause, attempt.Since);
            bool isSilent = error is LibvirtException { Code: ErrorCode.OperationTimeout };
            if (isSilent && !_wasSilent)
                _silentSince = attempt.Since;
            _wasSilent = isSilent;
            _failedAt = time.GetTimestamp();
            if (!_lifetime.IsCancellationRequested && error is LibvirtException refused)
                monitor.Log.Refused(refused);
        }

        attempt.Dispose();
        return error;
    }

    /// <summary>An attempt to connect, which lasts as long as one of those who wait for it may.</summary>
    private sealed class Attempt : IDisposable
    {
        private readonly TimeProvider _time;
        private readonly CancellationTokenSource _deadline;
        private long _until;

        /// <summary>The lock is held.</summary>
        public Attempt(MonitorConnector connector, TimeProvider time, bool isNamed)
        {
            _time = time;
            _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            IsNamed = isNamed;
            Since = time.GetTimestamp();
            _until = long.MinValue;
            Outcome = connector.ConnectAsync(this);
        }

        public bool IsNamed { get; }

        public long Since { get; }

        public Task<Exception?> Outcome { get; }

        public CancellationToken Deadline => _deadline.Token;

        /// <summary>Lets it last for one more caller; false where its time was up before. The lock is held.</summary>
        public bool TryExtend(long askedAt, TimeSpan timeout)
        {
            long until = askedAt + (long)(timeout.TotalSeconds * _time.TimestampFrequency);
            if (until > _until)
            {
                _until = until;
                TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), until);
                _deadline.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }

            return !_deadline.IsCancellationRequested;
        }

        public void Dispose() => _deadline.Dispose();
    }
}
