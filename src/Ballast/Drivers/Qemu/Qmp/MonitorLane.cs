using System.Diagnostics;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What is under way at a monitor.</summary>
internal enum LanePhase
{
    Idle,
    Query,
    Call,

    /// <summary>Only the mark is awaited.</summary>
    Resynchronise,
}

/// <summary>
/// The callers of one monitor: who waits, for whom it was asked, and how long each may wait. One thing is under way at a
/// time, a query that callers share or a call, so replies need no id.
/// </summary>
internal sealed class MonitorLane(Lock gate, string path, TimeProvider time, DeadlineTimer deadline) : MonitorPart(gate)
{
    private readonly CallLine _calls = new(gate);

    // Those that ask the same as the call under way.
    private readonly List<QmpCall> _sharers = [];
    private List<MonitorQuery> _waiting = [];
    private List<MonitorQuery> _asked = [];
    private QmpCall? _call;
    private bool _wasCall;
    private long _silentSince;

    public LanePhase Phase { get; private set; }

    /// <summary>Whether anybody still waits for the query that is under way.</summary>
    public bool IsAwaited => _asked.Count > 0;

    /// <summary>Whether anybody waits for the next query.</summary>
    public bool IsWaitedFor => _waiting.Count > 0;

    /// <summary>How long the monitor has owed an answer.</summary>
    public TimeSpan Silence(long now) => Phase == LanePhase.Idle ? TimeSpan.Zero : time.GetElapsedTime(_silentSince, now);

    public void Add(MonitorQuery query)
    {
        AssertLocked();
        _waiting.Add(query);
        deadline.Arm(query.AskedAt, query.Timeout);
    }

    public void Add(QmpCall call)
    {
        AssertLocked();
        call.HasWaited = Phase != LanePhase.Idle || !_calls.IsEmpty || _waiting.Count > 0;
        _calls.Add(call);
        deadline.Arm(call.AskedAt, call.Timeout);
    }

    /// <summary>Its caller gave up; the query that it shared goes on for the others.</summary>
    /// <param name="query">The caller.</param>
    /// <param name="leavesAnswer">Whether an answer is still to come that nobody waits for.</param>
    /// <returns>Whether it was still waiting.</returns>
    public bool Remove(MonitorQuery query, out bool leavesAnswer)
    {
        AssertLocked();
        bool wasAsked = _asked.Remove(query);
        leavesAnswer = wasAsked && _asked.Count == 0;
        return wasAsked || _waiting.Remove(query);
    }

    /// <returns>Whether an answer is still to come that nobody waits for.</returns>
    public bool Remove(QmpCall call)
    {
        AssertLocked();
        if (_call == call)
            return _sharers.Count == 0;
        if (_sharers.Remove(call))
            return _sharers.Count == 0 && _call!.Task.IsCompleted;
        _calls.Remove(call);
        return false;
    }

    /// <summary>The call that is next, if it is a call's turn; it is under way now.</summary>
    public QmpCall? TakeCall()
    {
        AssertLocked();
        Debug.Assert(Phase == LanePhase.Idle, "One thing at a time.");

        // In turns with queries, or one kind of caller could keep the other waiting for ever.
        _call = _calls.IsEmpty || (_wasCall && _waiting.Count > 0) ? null : _calls.Take();
        _wasCall = _call is not null;
        if (_call is null)
            return null;
        _calls.TakeSame(_call, _sharers);
        Enter(LanePhase.Call);
        return _call;
    }

    /// <summary>All that those want who wait; their query is under way now.</summary>
    /// <returns>False where nobody waits.</returns>
    public bool TryTakeQueries(out MonitorParts parts)
    {
        AssertLocked();
        parts = MonitorParts.None;
        if (_waiting.Count == 0)
            return false;
        Enter(LanePhase.Query);
        (_asked, _waiting) = (_waiting, _asked);
        Metrics.Queries.Add(1);
        Metrics.SharedCallers.Add(_asked.Count - 1);
        foreach (MonitorQuery query in _asked)
            parts |= query.Parts;
        return true;
    }

    /// <summary>Something is sent now, and an answer is due from now on.</summary>
    public void NoteSent() => _silentSince = time.GetTimestamp();

    /// <summary>The query under way is answered.</summary>
    /// <param name="values">The answer.</param>
    /// <param name="inline">Takes those that run on, for when the lock is free; null: all go to the pool.</param>
    public void FinishQuery(in MonitorValues values, List<MonitorQuery>? inline)
    {
        AssertLocked();
        Enter(LanePhase.Idle);
        long now = Metrics.QueryDuration.Enabled ? time.GetTimestamp() : 0;
        foreach (MonitorQuery query in _asked)
        {
            if (now != 0)
                Metrics.QueryDuration.Add(time.GetElapsedTime(query.AskedAt, now).TotalSeconds);
            query.Answer(values);
            if (query.RunsInline && inline is not null)
                inline.Add(query);
            else
                query.CompleteOnPool();
        }

        _asked.Clear();
    }

    /// <summary>One reply to the call under way.</summary>
    /// <returns>Whether it was the last.</returns>
    public bool Reply(in QmpMessage message)
    {
        AssertLocked();
        QmpCall call = _call!;
        QmpReading reading = new();
        bool isLast = call.Take(message, reading);
        foreach (QmpCall sharer in _sharers)
            _ = sharer.Take(message, reading);
        if (!isLast)
            return false;
        _call = null;
        Enter(LanePhase.Idle);
        call.Complete();
        foreach (QmpCall sharer in _sharers)
            sharer.Complete();
        _sharers.Clear();
        return true;
    }

    /// <summary>Fails those whose deadline has passed, and arms the timer for the others.</summary>
    /// <param name="now">The time.</param>
    /// <param name="leavesAnswer">Whether nobody is left who waits for the query under way.</param>
    /// <returns>Whether the monitor was silent for as long as one of them would wait.</returns>
    public bool Expire(long now, out bool leavesAnswer)
    {
        AssertLocked();
        deadline.Reset();
        bool isHung = ExpireQueries(_asked, now, areAsked: true) | ExpireCallUnderWay(now);
        leavesAnswer = Phase == LanePhase.Query && _asked.Count == 0;
        _ = ExpireQueries(_waiting, now, areAsked: false);
        ExpireCallsNotSent(now);
        return isHung && Phase is LanePhase.Query or LanePhase.Call;
    }

    /// <summary>Arms the timer for all who wait.</summary>
    public void ArmAll()
    {
        foreach (MonitorQuery query in _asked)
            deadline.Arm(query.AskedAt, query.Timeout);
        foreach (MonitorQuery query in _waiting)
            deadline.Arm(query.AskedAt, query.Timeout);
        foreach (QmpCall call in _calls.All)
            deadline.Arm(call.AskedAt, call.Timeout);
        foreach (QmpCall sharer in _sharers)
            deadline.Arm(sharer.AskedAt, sharer.Timeout);

        // Whose caller gave up already, the monitor still owes an answer.
        if (_call is { } underWay && Phase == LanePhase.Call)
            deadline.Arm(underWay.Task.IsCompleted ? _silentSince : underWay.AskedAt, underWay.Timeout);
    }

    /// <summary>
    /// Gives up what is under way, whose late replies nobody shall get. Callers with time left are asked for again after the
    /// mark. The silence goes on: the mark is sent without <see cref="NoteSent"/>.
    /// </summary>
    public void AwaitMark()
    {
        AssertLocked();
        _waiting.InsertRange(0, _asked);
        _asked.Clear();
        if (_call is { IsShareable: true, Task.IsCompleted: false })
            _calls.PutBack(_call);
        foreach (QmpCall sharer in _sharers)
            _calls.PutBack(sharer);
        _sharers.Clear();
        _call = null;
        Enter(LanePhase.Resynchronise);
    }

    /// <summary>The mark has come.</summary>
    public void EndResynchronisation()
    {
        AssertLocked();
        Debug.Assert(Phase == LanePhase.Resynchronise, "No mark was awaited.");
        Enter(LanePhase.Idle);
    }

    /// <summary>The connection ended: everybody who waits is told why.</summary>
    public void FailAll(Exception error)
    {
        AssertLocked();
        foreach (MonitorQuery query in _asked)
            query.Fail(error);
        foreach (MonitorQuery query in _waiting)
            query.Fail(error);
        foreach (QmpCall call in _calls.All)
            call.Fail(error);
        foreach (QmpCall sharer in _sharers)
            sharer.Fail(error);
        _call?.Fail(_call.ChangesSomething && error is LibvirtException why ? QmpErrors.Unfinished(why, _call.Name) : error);
        _asked.Clear();
        _waiting.Clear();
        _calls.Clear();
        _sharers.Clear();
        _call = null;
        Enter(LanePhase.Idle);
    }

    private void Enter(LanePhase phase)
    {
        bool wasAsked = Phase is LanePhase.Query or LanePhase.Call, isAsked = phase is LanePhase.Query or LanePhase.Call;
        Phase = phase;
        if (isAsked && !wasAsked)
            MonitorLoad.Asked();
        else if (wasAsked && !isAsked)
            MonitorLoad.Answered();
        Debug.Assert((_call is not null) == (phase == LanePhase.Call), "A call is under way exactly in its phase.");
    }

    // Whether what is under way is unanswered for as long: else those who waited so long waited for others.
    private bool IsSilent(TimeSpan timeout, long now) => Phase != LanePhase.Idle && HasPassed(_silentSince, timeout, now);

    private bool HasPassed(long askedAt, TimeSpan timeout, long now) => time.GetElapsedTime(askedAt, now) >= timeout;

    private bool ExpireQueries(List<MonitorQuery> queries, long now, bool areAsked)
    {
        bool isHung = false;
        for (int i = queries.Count - 1; i >= 0; i--)
        {
            MonitorQuery query = queries[i];
            if (!HasPassed(query.AskedAt, query.Timeout, now))
                continue;
            queries.RemoveAt(i);
            isHung |= areAsked && HasPassed(_silentSince, query.Timeout, now);
            Metrics.Timeouts.Add(1);
            query.Fail(areAsked || IsSilent(query.Timeout, now)
                ? QmpErrors.Timeout(path, query.Timeout)
                : QmpErrors.Crowded(path, null, query.Timeout));
        }

        return isHung;
    }

    private bool ExpireCallUnderWay(long now)
    {
        if (Phase != LanePhase.Call)
            return false;
        bool isHung = HasExpired(_call!, now);
        for (int i = _sharers.Count - 1; i >= 0; i--)
        {
            isHung |= HasExpired(_sharers[i], now);
            if (_sharers[i].Task.IsCompleted)
                _sharers.RemoveAt(i);
        }

        return isHung;
    }

    // Whether the monitor was silent for as long as the caller waited. One that waited for others first was sent late.
    private bool HasExpired(QmpCall call, long now)
    {
        if (!HasPassed(call.AskedAt, call.Timeout, now))
            return false;
        bool isSilent = !call.HasWaited || IsSilent(call.Timeout, now);
        if (!call.Task.IsCompleted)
        {
            Metrics.Timeouts.Add(1);
            call.Fail(!isSilent ? QmpErrors.SentLate(path, call.Name, call.ChangesSomething, call.Timeout)
                : call.ChangesSomething ? QmpErrors.WriteTimeout(path, call.Name, call.Timeout)
                : QmpErrors.Timeout(path, call.Timeout));
        }

        return isSilent;
    }

    private void ExpireCallsNotSent(long now)
    {
        foreach (QmpCall call in _calls.All.Where(call => HasPassed(call.AskedAt, call.Timeout, now)).ToArray())
        {
            _calls.Remove(call);
            Metrics.Timeouts.Add(1);
            call.Fail(IsSilent(call.Timeout, now)
                ? QmpErrors.NotSent(path, call.Name, call.Timeout)
                : QmpErrors.Crowded(path, call.Name, call.Timeout));
        }
    }
}
