namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private IMonitorListener[] _listeners = [];
    private long _unsolicitedSecond;
    private int _unsolicited;
    private RunHistory _history = new();
    private long _connection;
    private DateTimeOffset? _lastReset;

    /// <summary>What the guest does, as of the last answer or event; no state before the first connection.</summary>
    public DomainStateInfo State
    {
        get
        {
            lock (_gate)
                return _history.State;
        }
    }

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
                listener.Connected(_history.State, _actualBytes);
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
        }
    }

    private void NoteEvent(MonitorEvent happened)
    {
        LifeStep? step = _history.Note(happened);
        if (happened == MonitorEvent.Reset)
            _lastReset = _time.GetUtcNow();
        foreach (IMonitorListener listener in _listeners)
        {
            if (happened == MonitorEvent.Reset)
                listener.WasReset();
            if (step is { } lived)
                listener.Lived(lived, _history.State);
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
}
