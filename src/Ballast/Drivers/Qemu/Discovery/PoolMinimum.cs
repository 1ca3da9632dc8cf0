namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// The least number of threads that the pool has, raised for those that wait: else it would be slow to make others. It is the whole
/// program's, so no more is taken off than was put on, and what somebody else has set since stays as it is.
/// </summary>
/// <param name="read">Reads it.</param>
/// <param name="write">Sets it; false where that is not possible: it would be above the highest number, or there is no room for a thread more.</param>
internal sealed class PoolMinimum(Func<int> read, Func<int, bool> write)
{
    private readonly Lock _gate = new();
    private int _wanted, _added, _written;

    /// <summary>The pool's own.</summary>
    public static PoolMinimum OfLooks { get; } = new(
        static () =>
        {
            ThreadPool.GetMinThreads(out int workers, out _);
            return workers;
        },
        static workers =>
        {
            // Where the system has no room for a thread, one of the pool's that wanted it would do nothing else.
            ThreadPool.GetMinThreads(out int now, out int others);
            return (workers <= now || Unattended.TryStartThread("Ballast room", static () => { }, out _)) && ThreadPool.SetMinThreads(workers, others);
        });

    /// <summary>One more is wanted, or one less.</summary>
    public void Change(int change)
    {
        lock (_gate)
        {
            _wanted += change;
            int now = read();
            if (now != _written)
                _added = 0;
            int by = Math.Min(_wanted - _added, Math.Max(change, 0));
            if (by != 0 && write(now + by))
                (_added, _written) = (_added + by, now + by);
        }
    }
}
