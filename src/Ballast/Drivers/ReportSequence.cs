namespace Ballast.Drivers;

/// <summary>One look at a guest's report.</summary>
internal interface IReportLook<TSelf>
    where TSelf : struct, IReportLook<TSelf>
{
    /// <summary>When the guest reported, in seconds of Unix time; 0: never; null: nobody said.</summary>
    ulong? ReportedAt { get; }

    /// <summary>Whether it shows the same report: what others than the guest know may differ.</summary>
    bool ShowsSameAs(in TSelf other);

    /// <summary>Whether a counter is lower than it was in an earlier report.</summary>
    bool HasCounterBelow(in TSelf earlier);
}

/// <summary>
/// The reports of one guest, one after the other: whether the last one is from before a reset, and whether a counter went backwards.
/// A hypervisor keeps a report over a reset, and nothing in it says so.
/// </summary>
internal sealed class ReportSequence<TLook>
    where TLook : struct, IReportLook<TLook>
{
    private long _resetSecond;
    private TLook? _beforeReset;
    private ulong? _firstSinceReset;
    private bool _isResetOver = true;
    private bool _isBroken;

    /// <summary>The last look; null before the first.</summary>
    public TLook? Last { get; private set; }

    /// <summary>The guest was reset since it reported.</summary>
    public bool IsFromBeforeReset { get; private set; }

    /// <summary>A counter is lower than in the report before, though nobody told of a reset.</summary>
    public bool CounterWentBackwards { get; private set; }

    /// <summary>Whether a report is known of the system that runs in the guest now.</summary>
    public bool HasReport => Last is { ReportedAt: > 0 } && !IsFromBeforeReset;

    /// <summary>The guest was reset at that moment.</summary>
    public void NoteReset(DateTimeOffset at)
    {
        (_resetSecond, _beforeReset, _firstSinceReset, _isResetOver) = (at.ToUnixTimeSeconds(), Last, null, false);
        IsFromBeforeReset = true;
    }

    /// <summary>A reset may be among what nobody told: the next report is not compared with the last.</summary>
    public void NoteGap() => _isBroken = true;

    /// <summary>Another look.</summary>
    /// <param name="look">What it showed.</param>
    /// <param name="clocksAgree">Whether the time of the report is by the clock by which the reset was noted, as far as anybody can tell.</param>
    /// <param name="isFromBeforeReset">Whether the reset that was noted came after the question.</param>
    public void See(in TLook look, bool clocksAgree = true, bool isFromBeforeReset = false)
    {
        if (Last is not { } last || !look.ShowsSameAs(last))
            CounterWentBackwards = Last is { } earlier && !_isBroken && !IsFromBeforeReset && look.HasCounterBelow(earlier);
        if (isFromBeforeReset)
            _beforeReset = look;
        IsFromBeforeReset = look.ReportedAt is { } reportedAt && (isFromBeforeReset || MayBeFromBeforeReset(look, reportedAt, clocksAgree));
        (Last, _isBroken) = (look, false);
    }

    /// <summary>
    /// A report is from before a reset if it was seen before it, if its time says so (no guest boots and reports within the second
    /// of its reset), or where nobody can say. Once it changed after the reset was known, the guest has reported since: then clocks
    /// do not matter any more.
    /// </summary>
    private bool MayBeFromBeforeReset(in TLook look, ulong reportedAt, bool clocksAgree)
    {
        if (_isResetOver)
            return false;
        _firstSinceReset ??= reportedAt;
        if (reportedAt == 0)
            return false;
        bool wasSeen = _beforeReset is { } before && look.ShowsSameAs(before);
        bool mayBeOld = (long)reportedAt <= _resetSecond || (_beforeReset is not null && !clocksAgree);
        _isResetOver = _firstSinceReset != reportedAt || !(wasSeen || mayBeOld);
        return !_isResetOver;
    }
}
