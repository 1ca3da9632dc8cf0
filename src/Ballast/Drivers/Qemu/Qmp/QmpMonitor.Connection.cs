using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>The connection: its beginning, its end, and its owner, for whom it is let go.</content>
internal sealed partial class QmpMonitor
{
    // What is under way when the owner comes is given so long to end; a refresh, which has a period to set back, longer.
    private static readonly TimeSpan TimeToFinish = TimeSpan.FromMilliseconds(50), TimeToFinishRefresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FinishPoll = TimeSpan.FromMilliseconds(2);

    private long _losses, _lossesBefore;

    /// <summary>
    /// How many of its connections the other end has ended: where no process is shown, who answers after that may be another QEMU.
    /// </summary>
    public long Losses => Volatile.Read(ref _losses);

    /// <summary>Whose it is, and who uses it.</summary>
    internal MonitorUse Use { get; }

    /// <summary>Whether it is left alone because it misbehaves.</summary>
    internal MisbehaviourPause Pause { get; }

    /// <summary>Whether somebody in this process named the socket, which is consent to use and to keep it.</summary>
    public bool IsNamed => Use.IsNamed;

    /// <summary>Whether it is making way for its owner: nothing is begun that has to be ended.</summary>
    public bool IsYielding
    {
        get
        {
            lock (_gate)
                return Use.IsYielding;
        }
    }

    /// <summary>Why it is left alone just now; null where it may be connected to, or is.</summary>
    public LibvirtException? ReasonToPause
    {
        get
        {
            lock (_gate)
                return _channel is null ? Pause.Reason : null;
        }
    }

    /// <summary>Whether there is a connection. The lock is held.</summary>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    internal bool HasConnection => _disposed ? throw Closed() : _channel is not null;

    /// <summary>A connection stands, and was greeted.</summary>
    internal void Adopt(QmpChannel channel, QmpHello hello, UnixSocketPeer peer)
    {
        lock (_gate)
        {
            if (_disposed)
                throw Closed();
            // At a relay's socket, whoever answers after an end may be another.
            bool isSameQemu = _connector.Establish(hello, peer) && (Endpoint.Owner is not null || _losses == _lossesBefore);
            _lossesBefore = _losses;
            _size.Start(hello.ActualBytes);
            Use.NoteUse(_time.GetTimestamp());
            _commands.UseBalloon(hello.Balloon);
            _channel = channel;
            Metrics.OpenMonitors.Add(1);
            Log.Connected(peer.Pid);
            _events.Start(isSameQemu, hello.RunState, hello.IsRunning, hello.ActualBytes);
            _receiving = ReceiveAllAsync(channel);
        }

        MonitorCourtesy.Register(this, _time);
    }

    /// <summary>Where the program has closed the connection, nobody else tells of its end.</summary>
    internal void BreakIfLost()
    {
        if (Volatile.Read(ref _channel) is { IsOurs: false } lost)
            Break(new ClosedByProgramException(), lost);
    }

    /// <summary>Lets a found monitor go that nobody uses.</summary>
    /// <returns>Whether it is still one that has to be looked after.</returns>
    internal bool LetGoWhenIdle()
    {
        lock (_gate)
        {
            if (_channel is null || _disposed)
                return false;
            if (IsNamed || _events.HasListeners || _lane.Phase != LanePhase.Idle || !Use.IsIdle)
                return true;
        }

        Break(null, isIdle: true);
        return false;
    }

    /// <summary>Makes way for somebody who waits in the socket's queue: what is under way ends first, if it ends soon.</summary>
    internal async Task YieldAsync()
    {
        lock (_gate)
        {
            if (_channel is null || !Use.TryYield())
                return;
        }

        try
        {
            // A refresh leaves the collection period as it was.
            Task refresh = Refresh.GiveUpAsync(QmpErrors.Busy(Path, "its owner, which has come back"));
            long since = _time.GetTimestamp();
            while ((IsBusy && _time.GetElapsedTime(since) < TimeToFinish)
                || (!refresh.IsCompleted && _time.GetElapsedTime(since) < TimeToFinishRefresh))
            {
                await Task.Delay(FinishPoll, _time).ConfigureAwait(false);
            }

            lock (_gate)
                Use.NoteHeld();
            Log.Yielded();
            Break(QmpErrors.Busy(Path, "its owner, which has come back"));
        }
        finally
        {
            lock (_gate)
                Use.EndYield();
        }
    }

    /// <summary>Ends the connection, or the given one if it is still the one in use; everybody who waits is told why.</summary>
    private void Break(Exception? cause, QmpChannel? channel = null, bool isIdle = false)
    {
        lock (_gate)
        {
            if (_channel is null || (channel is not null && _channel != channel))
                return;

            // First this: its owner may have its greeting as soon as the socket is closed, and ask us what we see.
            QmpChannel closed = _channel;
            if (!_disposed && !Use.IsYielding && !isIdle && cause is null or EndOfStreamException or Transports.ConnectionBrokenException)
                Volatile.Write(ref _losses, _losses + 1);
            _channel = null;
            closed.Dispose();
            Metrics.OpenMonitors.Add(-1);
            if (!_disposed && !Use.IsYielding && !isIdle)
                Log.Lost(cause);
            Pause.NoteEnd(cause, closed.Since);
            _lane.FailAll(_disposed ? Closed() : cause as LibvirtException ?? QmpErrors.Lost(Path, cause));
            _resynchronisation.Reset();
            _prefetch.Reset();
            _isServing = false;
            _sendQueue.Reset();
            _events.NoteLoss();
        }
    }
}
