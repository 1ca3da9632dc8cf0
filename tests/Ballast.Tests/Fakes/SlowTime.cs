namespace Ballast.Tests.Fakes;

/// <summary>A tenth as fast as the clock: what has to happen in time does, however busy the machine is, and waits that must end do.</summary>
internal sealed class SlowTime : TimeProvider
{
    private const int Slower = 10;

    public override long TimestampFrequency => base.TimestampFrequency * Slower;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, Slow(dueTime), Slow(period));

    private static TimeSpan Slow(TimeSpan span) => span == Timeout.InfiniteTimeSpan ? span : span * Slower;
}
