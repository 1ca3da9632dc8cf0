using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private long _timerDue = long.MaxValue;

    /// <summary>
    /// Makes the timer fire no later than a deadline. A timer that fires too early only looks and goes on, so the hot
    /// path seldom touches it. The lock is held.
    /// </summary>
    private void ArmTimer(long askedAt, TimeSpan timeout)
    {
        long due = askedAt + (long)(timeout.TotalSeconds * _time.TimestampFrequency);
        if (due >= _timerDue || _disposed)
            return;
        _timerDue = due;
        TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), due);
        // A timer counts whole milliseconds: round up, or it would fire before the deadline and once more for nothing.
        double milliseconds = Math.Ceiling(Math.Max(left.TotalMilliseconds, 1));
        _ = _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }

    private void ExpireDeadlines()
    {
        BreakIfLost();
        bool isAnything;
        lock (_gate)
        {
            long now = _time.GetTimestamp();
            _timerDue = long.MaxValue;
            bool isHung = ExpireQueries(_asked, now, isAsked: true) | ExpireCallUnderWay(now);
            _ = ExpireQueries(_waiting, now, isAsked: false);
            ExpireCallsNotSent(now);
            if (isHung && _phase is Phase.Query or Phase.Call)
                AwaitMark();
            ArmForAll();
            isAnything = TakeOutgoing();
        }

        Transmit(isAnything);
    }

    private bool HasPassed(long askedAt, TimeSpan timeout, long now) => _time.GetElapsedTime(askedAt, now) >= timeout;

    /// <summary>Fails those whose deadline passed; true where the monitor was silent for as long as one of them would wait.</summary>
    private bool ExpireQueries(List<MonitorQuery> queries, long now, bool isAsked)
    {
        bool isHung = false;
        for (int i = queries.Count - 1; i >= 0; i--)
        {
            MonitorQuery query = queries[i];
            if (!HasPassed(query.AskedAt, query.Timeout, now))
                continue;
            queries.RemoveAt(i);
            isHung |= isAsked && HasPassed(_silentSince, query.Timeout, now);
            Metrics.Timeouts.Add(1);
            query.Fail(QmpErrors.Timeout(Path, query.Timeout));
        }

        if (isAsked && _phase == Phase.Query && queries.Count == 0)
            _isOutOfStep = true;
        return isHung;
    }

    private bool ExpireCallUnderWay(long now)
    {
        if (_phase != Phase.Call || !HasPassed(_call!.AskedAt, _call.Timeout, now))
            return false;
        Metrics.Timeouts.Add(1);
        _call.Fail(_call.ChangesSomething
            ? QmpErrors.WriteTimeout(Path, _call.Name, _call.Timeout)
            : QmpErrors.Timeout(Path, _call.Timeout));
        return true;
    }

    private void ExpireCallsNotSent(long now)
    {
        for (int i = _calls.Count - 1; i >= 0; i--)
        {
            QmpCall call = _calls[i];
            if (!HasPassed(call.AskedAt, call.Timeout, now))
                continue;
            _calls.RemoveAt(i);
            Metrics.Timeouts.Add(1);
            call.Fail(QmpErrors.NotSent(Path, call.Name, call.Timeout));
        }
    }

    /// <summary>
    /// Gives up what is under way, whose late replies nobody shall get, and asks for a mark behind it. Callers with time
    /// left are asked for again after it.
    /// </summary>
    private void AwaitMark()
    {
        _waiting.InsertRange(0, _asked);
        _asked.Clear();
        _call = null;
        Enter(Phase.Resynchronise);
        _isOutOfStep = false;
        long silentSince = _silentSince;
        Log.Hung(_time.GetElapsedTime(silentSince));
        Send(Mark());
        _silentSince = silentSince;
    }

    private void ArmForAll()
    {
        foreach (MonitorQuery query in _asked)
            ArmTimer(query.AskedAt, query.Timeout);
        foreach (MonitorQuery query in _waiting)
            ArmTimer(query.AskedAt, query.Timeout);
        foreach (QmpCall call in _calls)
            ArmTimer(call.AskedAt, call.Timeout);
        if (_phase == Phase.Call)
            ArmTimer(_call!.AskedAt, _call.Timeout);
    }
}
