namespace Ballast;

/// <summary>
/// One timer for all who wait until some time has passed, and do not care how much within a tick. Calls that follow each other would
/// set a timer of their own each, and wake the runtime's thread of timers every time.
/// </summary>
internal static class CoarseClock
{
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(25);

    private static readonly Lock Gate = new();
    private static readonly ITimer Timer = Unattended.CreateTimer(
        TimeProvider.System, static ring => ring(), Ring, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private static TaskCompletionSource? _next;
    private static bool _isTicking;
    private static bool _isUsed;

    /// <summary>Completes within a tick.</summary>
    public static Task NextTick()
    {
        lock (Gate)
        {
            _isUsed = true;
            if (!_isTicking)
                _isTicking = Timer.Change(Tick, Timeout.InfiniteTimeSpan);
            return (_next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private static void Ring()
    {
        TaskCompletionSource? rung;
        lock (Gate)
        {
            (rung, _next) = (_next, null);

            // It stops when nobody has come since the last tick.
            _isTicking = _isUsed && Timer.Change(Tick, Timeout.InfiniteTimeSpan);
            _isUsed = false;
        }

        rung?.TrySetResult();
    }
}
