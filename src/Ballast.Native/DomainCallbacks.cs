using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>
/// What a program registered for on one connection. Events wait in a queue until the program's event loop, which is told by
/// a descriptor, lets them be called: no callback ever comes from a thread of ours.
/// </summary>
internal sealed unsafe partial class DomainCallbacks(ConnectionHandle owner)
{
    private readonly Lock _gate = new();
    private readonly Lock _setup = new();
    private EventCallback[] _callbacks = [];
    private EventCallback? _close;
    private int _lastId = -1;
    private Reading? _reading;
    private int _telling;

    /// <summary>Returns the callback's number.</summary>
    /// <exception cref="CallException">There is no event loop; or the same function stands already.</exception>
    public int Add(int eventId, Guid? domain, nint function, nint opaque, delegate* unmanaged<nint, void> free, bool isOld)
    {
        lock (_setup)
        {
            if (Array.Exists(_callbacks, known => known.IsOld == isOld && known.Function == function && known.EventId == eventId && known.Domain == domain))
                throw CallException.Invalid("event callback already tracked");
            StartReading();
            EventCallback added = new(++_lastId, eventId, domain, function, opaque, free, isOld);
            lock (_gate)
                _callbacks = [.. _callbacks, added];
            owner.AddReference();
            return added.Id;
        }
    }

    public bool Remove(int id) => Remove(callback => callback.Id == id && !callback.IsOld);

    public bool RemoveOld(nint function) => Remove(callback => callback.IsOld && callback.Function == function);

    /// <exception cref="CallException">There is one already.</exception>
    public void SetCloseCallback(nint function, nint opaque, delegate* unmanaged<nint, void> free)
    {
        lock (_setup)
        {
            if (_close is not null)
                throw CallException.CloseCallbackStands(owner.IsRemote);
            if (EventImplementation.IsRegistered && owner.IsRemote)
                StartReading();
            lock (_gate)
                _close = new EventCallback(-1, -1, null, function, opaque, free, isOld: false);
            owner.AddReference();
        }
    }

    /// <exception cref="CallException">It is another one.</exception>
    public void RemoveCloseCallback(nint function)
    {
        EventCallback? removed;
        lock (_setup)
        {
            lock (_gate)
            {
                removed = _close;
                if (removed is null || removed.Function != function)
                    throw CallException.OtherCallback(owner.IsRemote);
                _close = null;
            }

            StopReadingIfIdle();
        }

        Retire(removed);
    }

    /// <summary>The connection is being closed.</summary>
    public void Close()
    {
        lock (_setup)
            StopReading();
    }

    /// <summary>All that a program registered for ends.</summary>
    public void Clear()
    {
        EventCallback[] removed;
        lock (_setup)
        {
            lock (_gate)
            {
                removed = _close is null ? _callbacks : [.. _callbacks, _close];
                _callbacks = [];
                _close = null;
            }

            StopReading();
        }

        foreach (EventCallback callback in removed)
            Retire(callback);
    }

    private bool Remove(Predicate<EventCallback> isMeant)
    {
        EventCallback removed;
        lock (_setup)
        {
            lock (_gate)
            {
                int index = Array.FindIndex(_callbacks, isMeant);
                if (index < 0)
                    return false;
                removed = _callbacks[index];
                _callbacks = [.. _callbacks[..index], .. _callbacks[(index + 1)..]];
            }

            StopReadingIfIdle();
        }

        Retire(removed);
        return true;
    }

    // What it holds is freed when it is no longer being called.
    private void Retire(EventCallback callback)
    {
        bool isFree;
        lock (_gate)
        {
            callback.IsGone = true;
            isFree = callback.Running == 0;
        }

        if (isFree)
            callback.Free();
        _ = owner.Release();
    }

    private void StartReading()
    {
        if (_reading is not null)
            return;
        Reading started = Reading.Start(this, owner.Connection);
        lock (_gate)
            _reading = started;
    }

    // A callback may put another one in its place, which is told what still waits: so that is kept until all are told.
    private void StopReadingIfIdle()
    {
        bool isIdle;
        lock (_gate)
            isIdle = IsIdle;
        if (isIdle)
            StopReading();
    }

    private bool IsIdle => _telling == 0 && _callbacks.Length == 0 && _close is null;

    /// <summary>False where the reading was stopped: its events are nobody's.</summary>
    private bool BeginTelling(Reading reading)
    {
        // Not the other lock: the program's loop may hold one of its own here, which another thread waits for while it registers.
        lock (_gate)
        {
            if (reading != _reading)
                return false;
            _telling++;
            return true;
        }
    }

    private void EndTelling()
    {
        lock (_gate)
        {
            _telling--;
            if (!IsIdle)
                return;
        }

        lock (_setup)
            StopReadingIfIdle();
    }

    private void StopReading()
    {
        Reading? stopped;
        lock (_gate)
            (stopped, _reading) = (_reading, null);
        stopped?.Stop();
    }

    private IEnumerable<HostCall> Tell(object happened)
    {
        const int lifecycle = 0, reboot = 1, balloonChange = 13, metadataChange = 23;
        return happened switch
        {
            DomainLifecycleEvent e => Tell(lifecycle, e.Domain, (callback, domain) => callback.Lifecycle(owner.Handle, domain, (int)e.Change, e.Detail)),
            DomainRebootEvent e => Tell(reboot, e.Domain, (callback, domain) => callback.Reboot(owner.Handle, domain)),
            BalloonChangeEvent e => Tell(balloonChange, e.Domain, (callback, domain) => callback.BalloonChange(owner.Handle, domain, e.ActualKiB)),
            MetadataChangeEvent e => Tell(metadataChange, e.Domain, (callback, domain) => callback.MetadataChange(owner.Handle, domain, (int)e.Type, e.NamespaceUri)),
            EventQueue.ConnectionLost lost => TellClosed(lost.Reason),
            _ => [],
        };
    }

    private IEnumerable<HostCall> Tell(int eventId, Domain domain, Func<EventCallback, nint, HostCall> call)
    {
        foreach (EventCallback callback in Volatile.Read(ref _callbacks))
        {
            if (callback.EventId != eventId || (callback.Domain is { } wanted && wanted != domain.Uuid))
                continue;
            DomainHandle handle = new(owner, domain);
            try
            {
                foreach (HostCall made in Run(callback, running => call(running, handle.Handle)))
                    yield return made;
            }
            finally
            {
                _ = handle.Release();
            }
        }
    }

    private IEnumerable<HostCall> TellClosed(int reason) =>
        Volatile.Read(ref _close) is { } close ? Run(close, callback => callback.Closed(owner.Handle, reason)) : [];

    private IEnumerable<HostCall> Run(EventCallback callback, Func<EventCallback, HostCall> call)
    {
        lock (_gate)
        {
            if (callback.IsGone)
                yield break;
            callback.Running++;
        }

        nint text = 0;
        try
        {
            HostCall made = call(callback);
            text = made.Text;
            yield return made;
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
            bool isFree;
            lock (_gate)
                isFree = --callback.Running == 0 && callback.IsGone;
            if (isFree)
                callback.Free();
        }
    }
}
