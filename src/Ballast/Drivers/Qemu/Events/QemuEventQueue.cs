namespace Ballast.Drivers.Qemu.Events;

/// <summary>
/// What QEMUs tell on its way to the subscribers. Who tells holds a monitor's lock, on the thread of all monitors: there an event is
/// only put here, and one of the pool's threads tells it. No QEMU tells more than its <see cref="EventPace"/> lets it.
/// </summary>
internal sealed class QemuEventQueue(TimeProvider time) : IDisposable
{
    /// <summary>Events that wait for the pool; of more it is told that they are missing.</summary>
    public const int Capacity = 16_384;

    private readonly Lock _gate = new();

    // Of who tells the subscribers: one at a time, so that events come in order. Taken before the other.
    private readonly Lock _telling = new();
    private readonly Queue<DriverEvent> _ready = [];
    private readonly List<EventPace> _holding = [];
    private ITimer? _release;
    private long _missed;
    private bool _isQueued;
    private bool _isReleasing;

    public DriverEventSinks Sinks { get; } = new();

    /// <summary>For one QEMU more.</summary>
    public EventPace NewPace() => new(time);

    /// <summary>Takes one. Short, whoever subscribes.</summary>
    /// <param name="pace">Its QEMU's.</param>
    /// <param name="happened">The event.</param>
    /// <param name="isLast">Whether the QEMU is gone: nothing of it is held back then, since another may take its name at once.</param>
    public void Put(EventPace pace, in DriverEvent happened, bool isLast = false)
    {
        if (Sinks.IsEmpty)
            return;
        lock (_gate)
        {
            if (pace.TryPass())
                Enqueue(happened);
            else
                Hold(pace, happened);
            if (isLast && pace.IsHolding && pace.TryRelease(Enqueue, atOnce: true))
                _holding.Remove(pace);
            if (_isQueued || (_ready.Count == 0 && _missed == 0))
                return;
            _isQueued = true;
        }

        Unattended.Queue(static queue => queue.Tell(), this);
    }

    /// <summary>Tells what is ready, so that who comes or goes now gets what happened while it was there, and nothing else.</summary>
    /// <param name="heldToo">Whether what is held back is told too.</param>
    public void Flush(bool heldToo)
    {
        if (heldToo)
        {
            lock (_gate)
                ReleaseHeld(atOnce: true);
        }

        Tell();
    }

    public void Dispose() => _release?.Dispose();

    private void Hold(EventPace pace, in DriverEvent happened)
    {
        if (!pace.IsHolding)
            _holding.Add(pace);
        pace.Hold(happened);
        if (_isReleasing)
            return;
        _isReleasing = true;
        _release ??= Unattended.CreateTimer(time, static queue => queue.Release(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _ = _release.Change(EventPace.Between, Timeout.InfiniteTimeSpan);
    }

    private void Release()
    {
        lock (_gate)
        {
            ReleaseHeld(atOnce: false);
            _isReleasing = _holding.Count > 0;
            if (_isReleasing)
                _ = _release!.Change(EventPace.Between, Timeout.InfiniteTimeSpan);
        }

        Tell();
    }

    private void ReleaseHeld(bool atOnce) => _holding.RemoveAll(pace => pace.TryRelease(Enqueue, atOnce));

    private void Enqueue(DriverEvent happened)
    {
        // Once one is missing all are, until that is told: so the subscribers know where the gap is.
        if (_missed > 0 || _ready.Count >= Capacity)
            _missed++;
        else
            _ready.Enqueue(happened);
    }

    private void Tell()
    {
        lock (_telling)
        {
            // Before the look: what comes after it queues anew.
            Volatile.Write(ref _isQueued, false);
            while (TryTake(out DriverEvent next, out long missed))
            {
                if (missed > 0)
                    Sinks.Miss(missed);
                else
                    Sinks.Publish(next);
            }
        }
    }

    private bool TryTake(out DriverEvent next, out long missed)
    {
        lock (_gate)
        {
            missed = 0;
            if (_ready.TryDequeue(out next))
                return true;
            (missed, _missed) = (_missed, 0);
            return missed > 0;
        }
    }
}
