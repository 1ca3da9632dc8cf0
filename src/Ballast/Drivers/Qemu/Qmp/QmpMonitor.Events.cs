namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private IMonitorListener[] _listeners = [];
    private long _unsolicitedSecond;
    private int _unsolicited;
    private RunState _runState;
    private bool _wasIncoming;
    private bool _wasResumed;
    private bool _wasMigrated;
    private long _connection;
    private DateTimeOffset? _lastReset;

    /// <summary>libvirt's reason for "running": booted, migrated or unpaused.</summary>
    public int RunningReason => _wasResumed ? (_wasMigrated ? 2 : 5) : 1;

    /// <summary>What the answers to come will bear; zero before the first connection.</summary>
    public (long Connection, DateTimeOffset? LastReset) Epoch
    {
        get
        {
            lock (_gate)
                return (_connection, _lastReset);
        }
    }

    /// <summary>Tells the listener how things are now, and from now on what happens.</summary>
    public void Attach(IMonitorListener listener)
    {
        lock (_gate)
        {
            _listeners = [.. _listeners, listener];
            if (_channel is not null)
                listener.Connected(_runState, _actualBytes);
        }
    }

    public void Detach(IMonitorListener listener)
    {
        lock (_gate)
            _listeners = [.. _listeners.Where(other => other != listener)];
    }

    /// <summary>The lock is held.</summary>
    private void HandleEvent(QmpMessage message)
    {
        NoteMove();
        if (message.Body.SequenceEqual("\"BALLOON_CHANGE\""u8))
        {
            ulong actual = QmpReplies.ReadMemberUInt64(message.Data, "actual"u8, "BALLOON_CHANGE");
            if (actual >= GuestStats.ImpossibleBytes)
                return;
            _actualBytes = actual;
            foreach (IMonitorListener listener in _listeners)
                listener.BalloonChanged(actual);
        }
        else if (message.Body.SequenceEqual("\"DEVICE_DELETED\""u8)
            && Balloon is { } balloon && QmpReplies.ReadMemberText(message.Data, "path"u8) == balloon.Path)
        {
            UseBalloon(null);
            _actualBytes = null;
        }
        else if (QmpReplies.ReadEvent(message) is var happened and not MonitorEvent.None)
        {
            NoteEvent(happened);
            foreach (IMonitorListener listener in _listeners)
                listener.Happened(happened);
        }
    }

    private void NoteEvent(MonitorEvent happened)
    {
        switch (happened)
        {
            case MonitorEvent.Reset:
                _lastReset = _time.GetUtcNow();
                break;
            case MonitorEvent.Stop:
                _runState = RunState.Paused;
                break;
            case MonitorEvent.Resume:
                _runState = RunState.Running;
                _wasMigrated = _wasIncoming;
                _wasIncoming = false;
                _wasResumed = true;
                break;
            case MonitorEvent.Suspend:
                _runState = RunState.Suspended;
                break;
            case MonitorEvent.Wakeup:
                _runState = RunState.Running;
                break;
            default:
                break;
        }
    }

    /// <summary>Events, and replies that nobody asked for, are taken as long as they are few. The lock is held.</summary>
    private void CountUnsolicited()
    {
        long second = _time.GetTimestamp() / _time.TimestampFrequency;
        _unsolicited = second == _unsolicitedSecond ? _unsolicited + 1 : 1;
        _unsolicitedSecond = second;
        if (_unsolicited > QmpLimits.MaxUnsolicitedPerSecond)
            throw new InvalidDataException("it sends messages without end that nobody asked for");
    }

    private void NoteRunState(RunState state)
    {
        _runState = state;
        if (state == RunState.InMigrate)
            _wasIncoming = true;
    }
}
