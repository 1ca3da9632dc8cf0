namespace Ballast.Daemon;

/// <summary>
/// Gives memory back when little happens after much did: the runtime collects when something is allocated, so what a burst
/// of clients left behind would stay for as long as the daemon is quiet.
/// </summary>
internal sealed class IdleMemory : IDisposable
{
    private const long QuietBytes = 1 << 20, WorthwhileBytes = 8 << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Timer _timer;
    private long _allocated;
    private long _kept = Environment.WorkingSet;

    public IdleMemory() => _timer = new Timer(_ => Look(), null, Interval, Interval);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        bool isQuiet = allocated - _allocated < QuietBytes;
        _allocated = allocated;
        if (!isQuiet || Environment.WorkingSet < _kept + WorthwhileBytes)
            return;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _kept = Environment.WorkingSet;
    }
}
