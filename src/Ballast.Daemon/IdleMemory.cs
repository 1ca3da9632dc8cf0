using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>
/// Gives memory back when little happens after much did: the runtime collects when something is allocated, so what a burst
/// of clients left behind would stay for as long as the daemon is quiet, or nearly so.
/// </summary>
internal sealed class IdleMemory : IDisposable
{
    // Some client always asks for something: what can be given back must be many times what is allocated meanwhile. So a steady
    // load, however heavy, is never stopped for it more often than once in so many looks.
    private const long WorthwhileBytes = 8 << 20, WorthwhileTimes = 8;

    private const int LongestPause = 127;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly ITimer _timer;
    private long _allocated;
    private long _least = Environment.WorkingSet;
    private int _pause;
    private int _skipped;

    public IdleMemory() => _timer = Background.CreateTimer(Look, Interval, Interval);

    public void Dispose() => _timer.Dispose();

    public static bool IsWorthwhile(long excess, long allocated) => excess >= WorthwhileBytes && excess / WorthwhileTimes >= allocated;

    private void Look()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        long meanwhile = allocated - _allocated;
        _allocated = allocated;
        if (_skipped < _pause)
        {
            _skipped++;
            return;
        }

        long before = Environment.WorkingSet;
        _skipped = 0;
        if (!IsWorthwhile(before - _least, meanwhile))
        {
            _pause = 0;
            return;
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long after = Environment.WorkingSet;
        if (after > 0)
            _least = Math.Min(_least, after);

        // What clients left behind may be in use for a while, as their sockets' buffers are; what others have stays in use. So
        // it looks again, but less and less often where that is in vain.
        _pause = before - after >= WorthwhileBytes ? 0 : Math.Min((2 * _pause) + 1, LongestPause);
    }
}
