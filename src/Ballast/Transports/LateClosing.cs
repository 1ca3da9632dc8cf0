namespace Ballast.Transports;

/// <summary>Closes what may keep the thread that closes it, on threads that nobody waits for. They end when there is nothing left.</summary>
/// <param name="mostThreads">How many there are at most. Each may stand still; what they cannot take waits until one of them goes on.</param>
/// <param name="tryStart">Starts a thread; false where the system has no room for one.</param>
internal sealed class LateClosing(int mostThreads, Func<Action, bool> tryStart)
{
    private readonly Lock _gate = new();
    private readonly Queue<Action> _waiting = [];
    private int _threads;
    private int _count;

    /// <summary>How much is not closed yet.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Where the system has no room for a thread, and there is none, it is closed at once.</summary>
    public void Add(Action close)
    {
        _ = Interlocked.Increment(ref _count);
        lock (_gate)
        {
            _waiting.Enqueue(close);
            if (_threads >= mostThreads)
                return;
            _threads++;
        }

        if (tryStart(Run))
            return;
        lock (_gate)
        {
            if (_threads > 1)
            {
                _threads--;
                return;
            }
        }

        Run();
    }

    private void Run()
    {
        while (true)
        {
            Action? close;
            lock (_gate)
            {
                // Whoever adds something from now on finds one thread less, and starts one.
                if (!_waiting.TryDequeue(out close))
                {
                    _threads--;
                    return;
                }
            }

            Unattended.Run(close);
            _ = Interlocked.Decrement(ref _count);
        }
    }
}
