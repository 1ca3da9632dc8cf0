namespace Ballast.Drivers.Remote;

/// <summary>
/// What looking at one guest again and again tells of its reports. A daemon's answer does not say how old it is: the time in it is
/// by the clock of the daemon's host. That a report was not there yet when we last looked bounds its age by our own clock.
/// </summary>
internal sealed class RemoteReport(TimeProvider time, bool sharesClock)
{
    // A report's time has whole seconds, and two processes of a host may read its clock in another order.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // The last answer, and when it came.
    private ReportLook? _last;
    private int? _id;
    private long _answeredAt;

    // Its report: when it was first seen, and when we last looked without seeing it.
    private long _seenAt;
    private long? _notSeenAt;
    private ReportSight _sight;

    // What was known when the guest was reset last, and what was seen first since.
    private (long At, DateTimeOffset Wall) _reset;
    private ReportLook? _beforeReset;
    private ulong? _firstAfterReset;
    private bool _isResetOver = true;
    private bool _isSeenSinceReset;
    private int _interruptions;

    public void NoteReset()
    {
        lock (_gate)
        {
            _reset = (time.GetTimestamp(), time.GetUtcNow());
            (_beforeReset, _firstAfterReset, _isResetOver, _isSeenSinceReset) = (_last, null, false, false);
        }
    }

    /// <param name="id">Of the domain's run: another one has another history.</param>
    /// <param name="look">What the daemon answered.</param>
    /// <param name="interruptions">How often events were missed so far.</param>
    public ReportSight See(int? id, in ReportLook look, int interruptions)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (_last is not null && _id != id)
                (_last, _beforeReset, _isResetOver, _sight) = (null, null, true, default);
            bool isSame = _last is { } before && look.IsSameAs(before);

            // Answers to questions that were under way together may come in another order.
            if (!isSame && _last is { } newer && look.AskedAt < _answeredAt && look.Reported < newer.Reported)
                return Judge(newer.Reported, now) with { CounterWentBackwards = false, IsOvertaken = true };
            if (!isSame)
                (_notSeenAt, _seenAt) = (_last?.AskedAt, now);
            bool isOld = IsFromBeforeReset(look, now), hadReport = _last is { Reported: > 0 } && !_sight.IsFromBeforeReset;
            ulong? actual = look.Find(MemoryStatTag.ActualBalloon);
            _sight = new ReportSight(
                default,
                ActualKiB: isSame && _sight.ActualKiB is { } then ? then : actual,
                ActualAtReportKiB: isSame && _sight.ActualAtReportKiB is { } known ? known
                    : hadReport ? GuestMemoryStats.ActualAtReport(_last!.Value.Find(MemoryStatTag.ActualBalloon), actual)
                    : actual,
                IsFromBeforeReset: isOld,
                CounterWentBackwards: isSame
                    ? _sight.CounterWentBackwards
                    : _last is { } last && _isSeenSinceReset && _interruptions == interruptions && !_sight.IsFromBeforeReset && look.HasCounterBelow(last));
            (_last, _id, _answeredAt, _interruptions, _isSeenSinceReset) = (look, id, now, interruptions, true);
            return Judge(look.Reported, now);
        }
    }

    /// <summary>The last one, grown older.</summary>
    public ReportSight Last()
    {
        lock (_gate)
        {
            ReportSight sight = Judge(_last?.Reported ?? 0, time.GetTimestamp());
            return _isSeenSinceReset || _isResetOver ? sight : sight with { IsFromBeforeReset = true };
        }
    }

    /// <summary>
    /// By the host's clock, where that is ours and agrees with what was seen. By another's clock only before there was anything to
    /// compare: afterwards it counts when we looked, and a report is as old as it can be.
    /// </summary>
    private ReportSight Judge(ulong reported, long now)
    {
        DateTimeOffset wall = time.GetUtcNow();
        if (reported == 0)
            return _sight with { Now = wall };
        ReportSight sight = _sight with { Now = wall, KnownFor = time.GetElapsedTime(_seenAt, now) };
        if (AtMost(now) is not { } atMost || IsOurClocks(reported, wall, now))
            return sight;
        DateTimeOffset then = DateTimeOffset.FromUnixTimeSeconds((long)reported);
        return sight with { Now = then <= DateTimeOffset.MaxValue - atMost ? then + atMost : wall, AtMost = atMost };
    }

    /// <summary>How old the report can be; null before there was anything to compare.</summary>
    private TimeSpan? AtMost(long now) => _notSeenAt is { } notSeenAt ? time.GetElapsedTime(notSeenAt, now) : null;

    /// <summary>Whether the time of the report is by our clock, as far as anybody can tell.</summary>
    private bool IsOurClocks(ulong reported, DateTimeOffset wall, long now)
    {
        TimeSpan age = wall - DateTimeOffset.FromUnixTimeSeconds((long)reported);
        return sharesClock && age >= -ClockSlack && !(age > AtMost(now) + ClockSlack);
    }

    /// <summary>
    /// A report is from before a reset if it was seen before it, if its time says so (no guest boots and reports within the second
    /// of its reset), or where nobody can say. Once it changed after the reset was known, the guest has reported since: then clocks
    /// do not matter any more.
    /// </summary>
    private bool IsFromBeforeReset(in ReportLook look, long now)
    {
        if (_isResetOver || look.Reported == 0)
            return false;

        // Asked before the reset, answered after it was known.
        if (look.AskedAt < _reset.At)
        {
            _beforeReset = look;
            return true;
        }

        _firstAfterReset ??= look.Reported;
        ulong second = (ulong)Math.Max(0, _reset.Wall.ToUnixTimeSeconds());
        bool wasSeen = _beforeReset is { } before && look.IsSameAs(before);
        bool mayBeOld = look.Reported <= second || (_beforeReset is not null && !IsOurClocks(look.Reported, time.GetUtcNow(), now));
        _isResetOver = _firstAfterReset != look.Reported || !(wasSeen || mayBeOld);
        return !_isResetOver;
    }
}
