namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Fires no later than the next deadline. One that fires too early only looks and goes on, so the hot path seldom touches it.
/// </summary>
internal sealed class DeadlineTimer(Lock gate, TimeProvider time, Action expire) : MonitorPart(gate), IAsyncDisposable
{
    private readonly ITimer _timer = Unattended.CreateTimer(
        time, static expire => expire(), expire, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private long _due = long.MaxValue;

    public void Arm(long askedAt, TimeSpan timeout)
    {
        AssertLocked();
        long due = askedAt + (long)(timeout.TotalSeconds * time.TimestampFrequency);
        if (due >= _due)
            return;
        _due = due;
        TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), due);

        // A timer counts whole milliseconds: round up, or it would fire before the deadline and once more for nothing.
        double milliseconds = Math.Ceiling(Math.Max(left.TotalMilliseconds, 1));
        _ = _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }

    /// <summary>It has fired: every deadline that is left has to be given again.</summary>
    public void Reset()
    {
        AssertLocked();
        _due = long.MaxValue;
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();
}
