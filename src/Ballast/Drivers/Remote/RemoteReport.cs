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

    // Of one run of the domain.
    private ReportSequence<ReportLook> _reports = new();
    private int? _id;
    private long _answeredAt;

    // The last report: when it was first seen, and when we last looked without seeing it.
    private long _seenAt;
    private long? _notSeenAt;
    private ReportSight _sight;

    private long? _resetAt;
    private int _interruptions;

    public void NoteReset()
    {
        lock (_gate)
        {
            _resetAt = time.GetTimestamp();
            _reports.NoteReset(time.GetUtcNow());
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
            if (_reports.Last is not null && _id != id)
                (_reports, _resetAt, _sight) = (new(), null, default);
            ReportLook? last = _reports.Last;
            bool isSame = last is { } before && look.ShowsSameAs(before);

            // Answers to questions that were under way together may come in another order.
            if (!isSame && last is { } newer && look.AskedAt < _answeredAt && look.Reported < newer.Reported)
                return Judge(newer.Reported, now) with { CounterWentBackwards = false, IsOvertaken = true };
            if (!isSame)
                (_notSeenAt, _seenAt) = (last?.AskedAt, now);
            ulong? actual = look.Find(MemoryStatTag.ActualBalloon);
            _sight = new ReportSight(
                default,
                ActualKiB: isSame && _sight.ActualKiB is { } then ? then : actual,
                ActualAtReportKiB: isSame && _sight.ActualAtReportKiB is { } known ? known
                    : _reports.HasReport ? GuestMemoryStats.ActualAtReport(last!.Value.Find(MemoryStatTag.ActualBalloon), actual)
                    : actual);
            if (_interruptions != interruptions)
                _reports.NoteGap();
            _reports.See(look, IsOurClocks(look.Reported, time.GetUtcNow(), now), isFromBeforeReset: look.AskedAt < _resetAt);
            (_id, _answeredAt, _interruptions) = (id, now, interruptions);
            return Judge(look.Reported, now);
        }
    }

    /// <summary>The last one, grown older.</summary>
    public ReportSight Last()
    {
        lock (_gate)
            return Judge(_reports.Last?.Reported ?? 0, time.GetTimestamp());
    }

    /// <summary>
    /// By the host's clock, where that is ours and agrees with what was seen. By another's clock only before there was anything to
    /// compare: afterwards it counts when we looked, and a report is as old as it can be.
    /// </summary>
    private ReportSight Judge(ulong reported, long now)
    {
        DateTimeOffset wall = time.GetUtcNow();
        ReportSight sight = _sight with
        {
            Now = wall,
            IsFromBeforeReset = _reports.IsFromBeforeReset,
            CounterWentBackwards = _reports.CounterWentBackwards,
        };
        if (reported == 0)
            return sight;
        sight = sight with { KnownFor = time.GetElapsedTime(_seenAt, now) };
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
}
