namespace Ballast.Native;

/// <summary>
/// Looks now and then, while a call waits, whether the pool's threads, on which the call goes on, do anything at all: where
/// the system has no room for one, nobody would ever tell the call so, and timers that have nobody to run them end nothing.
/// </summary>
internal sealed class PoolCheck
{
    private const int NoRoom = 11;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(1);

    // A host may be so busy that none of several threads gets its turn.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private Sign? _sign;
    private long _asked;
    private TimeSpan _interval = First;

    /// <summary>How long to wait before the next look: the longer, the longer all is well.</summary>
    public TimeSpan Interval => _interval;

    /// <exception cref="CallException">Nobody does the pool's work, and no thread can be started for it.</exception>
    public void Look()
    {
        TimeSpan waited = TimeSpan.FromMilliseconds(Environment.TickCount64 - _asked);
        if (_sign is null)
        {
            Ask();
        }
        else if (_sign.IsGiven)
        {
            if (waited < _interval)
                return;
            Ask();
            _interval = _interval * 2 < Longest ? _interval * 2 : Longest;
        }
        else if (waited >= (ThreadPool.ThreadCount == 0 ? First : Patience))
        {
            _interval = First;
            AskAgain();
        }
    }

    /// <summary>Looks, and says whether the pool works, as far as anybody can tell.</summary>
    public bool Works()
    {
        try
        {
            Look();
            return true;
        }
        catch (CallException)
        {
            return false;
        }
    }

    // Where there is room again, the pool takes it when there is something new to do.
    private void AskAgain()
    {
        try
        {
            new Thread(static () => { }) { IsBackground = true }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            throw CallException.System(
                NoRoom, "no thread can be started that the call needs: raise the limit of processes and threads (ulimit -u, pids.max)");
        }

        Ask();
    }

    private void Ask()
    {
        _asked = Environment.TickCount64;
        _sign = new Sign();
        try
        {
            _ = ThreadPool.UnsafeQueueUserWorkItem(_sign, preferLocal: false);
        }
        catch (OutOfMemoryException)
        {
            // It is in the queue all the same.
        }
    }

    private sealed class Sign : IThreadPoolWorkItem
    {
        private volatile bool _isGiven;

        public bool IsGiven => _isGiven;

        public void Execute() => _isGiven = true;
    }
}
