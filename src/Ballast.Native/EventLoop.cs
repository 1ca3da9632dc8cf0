namespace Ballast.Native;

/// <summary>
/// The default event loop: descriptors and timers, waited for with poll(2) by whoever runs it. Others may add, change and
/// remove them meanwhile, from the callbacks too; what was removed is never called again, and freed when nobody is in its
/// callback any more.
/// </summary>
internal sealed unsafe class EventLoop
{
    private const int Readable = 1, Writable = 2, Error = 4, HangUp = 8, Off = -1, InterruptCheck = 100;

    private static readonly Lock DefaultGate = new();
    private static EventLoop? _default;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Handle> _handles = [];
    private readonly Dictionary<int, Timer> _timers = [];
    private readonly Queue<Entry> _removed = new();
    private Signal _wake = new();
    private int _lastHandle;
    private int _lastTimer;

    /// <summary>Made when it is first used; where that fails, for lack of descriptors, the next use tries again.</summary>
    public static EventLoop Default
    {
        get
        {
            lock (DefaultGate)
                return _default ??= new EventLoop();
        }
    }

    public int AddHandle(int fd, int events, delegate* unmanaged<int, int, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        lock (_gate)
        {
            int watch = ++_lastHandle;
            _handles.Add(watch, new Handle(fd, callback, opaque, free) { Events = events });
            _wake.Tell();
            return watch;
        }
    }

    public void UpdateHandle(int watch, int events)
    {
        lock (_gate)
        {
            if (!_handles.TryGetValue(watch, out Handle? found))
                return;
            found.Events = events;
            _wake.Tell();
        }
    }

    public bool RemoveHandle(int watch)
    {
        lock (_gate)
        {
            if (!_handles.Remove(watch, out Handle? found))
                return false;
            Retire(found);
            return true;
        }
    }

    public int AddTimeout(int milliseconds, delegate* unmanaged<int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        lock (_gate)
        {
            int timer = ++_lastTimer;
            _timers.Add(timer, new Timer(callback, opaque, free));
            Set(_timers[timer], milliseconds);
            _wake.Tell();
            return timer;
        }
    }

    public void UpdateTimeout(int timer, int milliseconds)
    {
        lock (_gate)
        {
            if (!_timers.TryGetValue(timer, out Timer? found))
                return;
            Set(found, milliseconds);
            _wake.Tell();
        }
    }

    public bool RemoveTimeout(int timer)
    {
        lock (_gate)
        {
            if (!_timers.Remove(timer, out Timer? found))
                return false;
            Retire(found);
            return true;
        }
    }

    /// <summary>Waits until something happens; yields the calls of who wants to know.</summary>
    /// <exception cref="OperationCanceledException">The program was interrupted meanwhile.</exception>
    public IEnumerable<HostCall> Round()
    {
        foreach (HostCall free in FreeRemoved())
            yield return free;

        // Whatever was changed until here is seen below: only what changes during the wait has to end it.
        Signal wake = Wake();
        wake.Drain();
        (int Number, Libc.PollEntry Entry)[] waited = Collect(out int wait);
        Libc.PollEntry[] entries = new Libc.PollEntry[waited.Length + 1];
        entries[0] = new Libc.PollEntry { Fd = wake.Descriptor, Events = Libc.PollIn };
        for (int i = 0; i < waited.Length; i++)
            entries[i + 1] = waited[i].Entry;
        Poll(entries, wait);
        if (entries[0].Happened != 0)
            wake.Drain();
        foreach (HostCall call in CallTimers())
            yield return call;
        for (int i = 0; i < waited.Length; i++)
        {
            if (entries[i + 1].Happened == 0 || BeginHandle(waited[i].Number) is not { } found)
                continue;
            try
            {
                yield return found.Call(waited[i].Number, Happened(entries[i + 1]));
            }
            finally
            {
                HasRun(found);
            }
        }

        foreach (HostCall free in FreeRemoved())
            yield return free;
    }

    private static void Set(Timer timer, int milliseconds)
    {
        timer.Interval = milliseconds;
        timer.Due = milliseconds < 0 ? long.MaxValue : Environment.TickCount64 + milliseconds;
    }

    // Where the program has closed it, there is a new one: who waits on the old one was woken by that.
    private Signal Wake()
    {
        lock (_gate)
        {
            if (!_wake.IsOurs)
            {
                Signal made = new();
                _wake.Close();
                _wake = made;
            }

            return _wake;
        }
    }

    private static void Poll(Libc.PollEntry[] entries, int wait)
    {
        long end = wait < 0 ? long.MaxValue : Environment.TickCount64 + wait;
        while (true)
        {
            long left = Math.Max(0, end - Environment.TickCount64);
            int slice = Blocking.IsChecked ? (int)Math.Min(left, InterruptCheck) : wait < 0 ? Off : (int)Math.Min(left, int.MaxValue);
            int ready;
            fixed (Libc.PollEntry* first = entries)
                ready = Libc.Poll(first, (nuint)entries.Length, slice);
            if (ready > 0)
                return;
            if (ready < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is not Libc.Interrupted and var errno)
                throw CallException.System(errno, "the event loop cannot wait");
            if (Blocking.IsInterrupted())
                throw new OperationCanceledException();

            // A signal ends the round: the program may have set a flag in its handler, and looks at it between two rounds.
            if (ready < 0 || Environment.TickCount64 >= end)
                return;
        }
    }

    private (int, Libc.PollEntry)[] Collect(out int wait)
    {
        lock (_gate)
        {
            long due = long.MaxValue;
            foreach (Timer timer in _timers.Values)
                due = Math.Min(due, timer.Due);
            wait = due == long.MaxValue ? Off : (int)Math.Clamp(due - Environment.TickCount64, 0, int.MaxValue);
            return
            [
                .. _handles.Where(pair => pair.Value.Events != 0).Select(pair => (pair.Key, new Libc.PollEntry
                {
                    Fd = pair.Value.Fd,
                    Events = (short)(((pair.Value.Events & Readable) != 0 ? Libc.PollIn : 0) | ((pair.Value.Events & Writable) != 0 ? Libc.PollOut : 0)),
                })),
            ];
        }
    }

    private IEnumerable<HostCall> CallTimers()
    {
        int[] due;
        lock (_gate)
            due = [.. _timers.Where(pair => pair.Value.Due <= Environment.TickCount64).Select(pair => pair.Key)];
        foreach (int timer in due)
        {
            Timer? found;
            lock (_gate)
            {
                if (!_timers.TryGetValue(timer, out found) || found.Due > Environment.TickCount64)
                    continue;
                Set(found, found.Interval);
                found.Running++;
            }

            try
            {
                yield return found.Call(timer);
            }
            finally
            {
                HasRun(found);
            }
        }
    }

    private Handle? BeginHandle(int watch)
    {
        lock (_gate)
        {
            if (!_handles.TryGetValue(watch, out Handle? found) || found.Events == 0)
                return null;
            found.Running++;
            return found;
        }
    }

    private static int Happened(Libc.PollEntry entry) =>
        ((entry.Happened & Libc.PollIn) != 0 ? Readable : 0)
            | ((entry.Happened & Libc.PollOut) != 0 ? Writable : 0)
            | ((entry.Happened & (Libc.PollError | Libc.PollInvalid)) != 0 ? Error : 0)
            | ((entry.Happened & Libc.PollHangUp) != 0 ? HangUp : 0);

    // Within the gate. What is being called, by this thread or another, is freed after that.
    private void Retire(Entry removed)
    {
        removed.IsRemoved = true;
        if (removed.Running == 0)
            _removed.Enqueue(removed);
        _wake.Tell();
    }

    private void HasRun(Entry called)
    {
        lock (_gate)
        {
            called.Running--;
            if (called.IsRemoved)
                Retire(called);
        }
    }

    // Not from within the call that removed it: its caller may hold what the function wants.
    private IEnumerable<HostCall> FreeRemoved()
    {
        while (true)
        {
            Entry? next;
            lock (_gate)
            {
                if (!_removed.TryDequeue(out next))
                    yield break;
            }

            if (next.IsToBeFreed)
                yield return next.Free();
        }
    }

    /// <summary>What is waited for, and what its function is told.</summary>
    private abstract class Entry(nint opaque, delegate* unmanaged<nint, void> free)
    {
        private readonly delegate* unmanaged<nint, void> _free = free;

        protected nint Opaque => opaque;

        /// <summary>How many are in its callback; more than one where several run the loop, or a callback runs it.</summary>
        public int Running { get; set; }

        public bool IsRemoved { get; set; }

        public bool IsToBeFreed => _free != null;

        public HostCall Free() => new() { Kind = HostCallKind.Free, Function = (nint)_free, Opaque = Opaque };
    }

    private sealed class Handle(int fd, delegate* unmanaged<int, int, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
        : Entry(opaque, free)
    {
        private readonly delegate* unmanaged<int, int, int, nint, void> _callback = callback;

        public int Fd => fd;

        public int Events { get; set; }

        public HostCall Call(int watch, int events) =>
            new() { Kind = HostCallKind.Handle, Function = (nint)_callback, Number = watch, First = fd, Second = events, Opaque = Opaque };
    }

    private sealed class Timer(delegate* unmanaged<int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
        : Entry(opaque, free)
    {
        private readonly delegate* unmanaged<int, nint, void> _callback = callback;

        public int Interval { get; set; }

        public long Due { get; set; }

        public HostCall Call(int timer) => new() { Kind = HostCallKind.Timer, Function = (nint)_callback, Number = timer, Opaque = Opaque };
    }
}
