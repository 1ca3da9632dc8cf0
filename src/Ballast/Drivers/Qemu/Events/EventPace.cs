namespace Ballast.Drivers.Qemu.Events;

/// <summary>
/// How many events one QEMU may tell: some at once, and then so many a second. What comes sooner is held back. Of those that say
/// the same only the last one stays, where it stands; so what is told is in order, and ends with what is so. Its queue's lock is held.
/// </summary>
internal sealed class EventPace(TimeProvider time)
{
    /// <summary>So many at once, where none came for long.</summary>
    public const int AtOnce = 100;

    /// <summary>From one to the next, where they come without a pause: shorter than a program that pauses and resumes a guest takes.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromMilliseconds(10);

    private readonly List<DriverEvent> _held = [];
    private readonly long _start = time.GetTimestamp();

    // When all that was told is made up for.
    private TimeSpan _even;

    public bool IsHolding => _held.Count > 0;

    /// <summary>Whether one may be told now; then it is counted.</summary>
    public bool TryPass()
    {
        if (IsHolding || !HasRoom)
            return false;
        Count(1);
        return true;
    }

    /// <summary>Holds one back, for it may not be told yet.</summary>
    public void Hold(in DriverEvent happened)
    {
        DriverEvent last = happened;
        _ = _held.RemoveAll(held => held.Kind == last.Kind && held.Change == last.Change && held.Detail == last.Detail);
        _held.Add(happened);
    }

    /// <summary>What was held back, where it may be told now.</summary>
    /// <param name="told">Where it goes.</param>
    /// <param name="atOnce">Whether it may be told in any case.</param>
    /// <returns>Whether it was told.</returns>
    public bool TryRelease(Action<DriverEvent> told, bool atOnce)
    {
        if (!atOnce && !HasRoom)
            return false;
        Count(_held.Count);
        _held.ForEach(told);
        _held.Clear();
        return true;
    }

    private bool HasRoom => _even - Now <= (AtOnce - 1) * Between;

    private TimeSpan Now => time.GetElapsedTime(_start);

    private void Count(int told)
    {
        TimeSpan now = Now;
        _even = (_even > now ? _even : now) + (told * Between);
    }
}
