namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What QEMU tells by itself: what its guest has lived through, and who is told of it.</summary>
internal sealed class MonitorEvents(Lock gate, TimeProvider time) : MonitorPart(gate)
{
    // Of all monitors, because a QEMU may be asked over one and then over another.
    private static long _connections;

    private IMonitorListener[] _listeners = [];
    private RunHistory _history = new();
    private ulong? _actualBytes;

    /// <summary>The connection's number, which no other has; zero before the first.</summary>
    public long Connection { get; private set; }

    /// <summary>When QEMU last told of a reset over this connection; null: not yet.</summary>
    public DateTimeOffset? LastReset { get; private set; }

    /// <summary>When QEMU last told over this connection that the balloon had moved; null: not yet. Small steps count when they have added up.</summary>
    public DateTimeOffset? LastMove { get; private set; }

    /// <summary>What the guest does, as of the last answer or event; no state before the first connection.</summary>
    public DomainStateInfo State => _history.State;

    public bool HasListeners => _listeners.Length > 0;

    public void Attach(IMonitorListener listener)
    {
        AssertLocked();
        _listeners = [.. _listeners, listener];
    }

    public void Detach(IMonitorListener listener)
    {
        AssertLocked();
        _listeners = [.. _listeners.Where(other => other != listener)];
    }

    /// <summary>A connection began.</summary>
    /// <param name="isSameQemu">Whether it is the QEMU of before, whose past counts though nobody listened meanwhile.</param>
    /// <param name="told">Its run state; null where it did not tell.</param>
    /// <param name="isRunning">Whether its guest runs.</param>
    /// <param name="actualBytes">The balloon's size.</param>
    public void Start(bool isSameQemu, RunState? told, bool isRunning, ulong? actualBytes)
    {
        AssertLocked();
        if (!isSameQemu)
            _history = new();
        if (told is { } state)
            _ = _history.Note(state, isRunning);
        (Connection, LastReset, LastMove, _actualBytes) = (Interlocked.Increment(ref _connections), null, null, actualBytes);
        foreach (IMonitorListener listener in _listeners)
            listener.Connected(_history.State, actualBytes);
    }

    /// <summary>An answer told the run state. At once: what is told between this answer and the next is news.</summary>
    public DomainStateInfo Note(RunState state, bool isRunning)
    {
        AssertLocked();
        return _history.Note(state, isRunning);
    }

    public void Note(MonitorEvent happened)
    {
        AssertLocked();
        LifeStep? step = _history.Note(happened);
        if (happened == MonitorEvent.Reset)
            LastReset = time.GetUtcNow();
        foreach (IMonitorListener listener in _listeners)
        {
            if (happened == MonitorEvent.Reset)
                listener.WasReset();
            if (step is { } lived)
                listener.Lived(lived, _history.State);
        }
    }

    public void NoteBalloon(ulong actualBytes)
    {
        AssertLocked();
        if (_actualBytes is null || MemoryStats.HasMoved(_actualBytes, actualBytes))
            (LastMove, _actualBytes) = (time.GetUtcNow(), actualBytes);
        foreach (IMonitorListener listener in _listeners)
            listener.BalloonChanged(actualBytes);
    }

    /// <summary>The connection ended.</summary>
    public void NoteLoss()
    {
        AssertLocked();
        foreach (IMonitorListener listener in _listeners)
            listener.Lost();
    }
}
