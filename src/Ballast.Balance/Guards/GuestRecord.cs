namespace Ballast.Balance.Guards;

/// <summary>What guards remember of a guest.</summary>
internal sealed class GuestRecord(GuardLimits limits)
{
    private const double Minute = 60;

    private readonly Queue<(double Time, double Balloon)> _lastMinute = [];
    private double? _lastBalloon;
    private double _nearest = double.MaxValue, _nearestAt;
    private double? _heldSince;
    private bool _isPaused;

    /// <summary>What was set last, which outlives a reset; null where nothing was, or somebody else moved the balloon since.</summary>
    public double? Target { get; private set; }

    public double NotFollowingUntil { get; private set; } = double.MinValue;

    public double ForeignUntil { get; private set; } = double.MinValue;

    /// <summary>Whether the host got nothing back from its balloon: it is not asked for memory again.</summary>
    public bool ReturnsNothing { get; private set; }

    /// <summary>How small and how large the balloon may be made now, by what it moved in the last minute.</summary>
    public (double Least, double Most) Reach(GuestState state)
    {
        double largest = state.Balloon, smallest = state.Balloon;
        foreach ((_, double balloon) in _lastMinute)
            (largest, smallest) = (Math.Max(largest, balloon), Math.Min(smallest, balloon));
        return (
            Math.Max(state.Balloon - (limits.ShrinkStepShare * state.Maximum), largest - (limits.ShrinkMinuteShare * state.Maximum)),
            Math.Min(state.Balloon + (limits.GrowStepShare * state.Maximum), smallest + (limits.GrowMinuteShare * state.Maximum)));
    }

    public void Observe(GuardedGuest guest, double now)
    {
        GuestState state = guest.State;
        while (_lastMinute.TryPeek(out (double Time, double Balloon) oldest) && oldest.Time < now - Minute)
            _ = _lastMinute.Dequeue();
        _lastMinute.Enqueue((now, state.Balloon));

        // A system that starts has an empty balloon, and goes to the target that the one before was given.
        if (guest.WasReset || guest.Obstacle != GuestObstacle.None)
            _lastBalloon = null;
        NoteForeignMove(state, now);
        NoteFollowing(guest, now);
        NoteReturn(guest, now);
        _lastBalloon = guest.Obstacle == GuestObstacle.None ? state.Balloon : null;
    }

    /// <summary>This was set.</summary>
    public void Set(double target, double now)
    {
        bool isOther = Target is not { } known || Math.Abs(target - known) >= limits.LeastChange;
        Target = target;
        if (isOther)
            (_nearest, _nearestAt, _heldSince) = (double.MaxValue, now, null);
    }

    // Between where it was and where it was sent, it is ours; anywhere else somebody else sent it, or the guest took memory back.
    private void NoteForeignMove(GuestState state, double now)
    {
        if (_lastBalloon is not { } last || Math.Abs(state.Balloon - last) < limits.LeastChange)
            return;
        double aim = Target ?? last;
        bool isOurs = state.Balloon >= Math.Min(last, aim) - limits.LeastChange && state.Balloon <= Math.Max(last, aim) + limits.LeastChange;
        if (isOurs)
            return;
        ForeignUntil = now + limits.ForeignPause;
        Target = null;
    }

    private void NoteFollowing(GuardedGuest guest, double now)
    {
        if (Target is not { } target || now < NotFollowingUntil)
            return;
        if (_isPaused)
        {
            // Another chance.
            (_isPaused, _nearest, _nearestAt) = (false, double.MaxValue, now);
        }

        double distance = Math.Abs(guest.State.Balloon - target);

        // One that cannot move does not refuse to.
        if (distance <= limits.LeastChange || distance < _nearest - limits.LeastChange || guest.Obstacle != GuestObstacle.None)
            (_nearest, _nearestAt) = (distance, now);
        else if (now - _nearestAt >= limits.FollowSeconds)
            (NotFollowingUntil, _isPaused) = (now + limits.NotFollowingPause, true);
    }

    private void NoteReturn(GuardedGuest guest, double now)
    {
        GuestState state = guest.State;
        double held = state.Resident - state.Balloon;
        bool isThere = Target is { } target && target < state.Maximum - limits.LeastChange && Math.Abs(state.Balloon - target) <= limits.LeastChange;
        if (!isThere || !guest.IsResidentCertain || held <= (limits.NothingReturnedShare * state.Maximum) + limits.NothingReturnedMargin)
            _heldSince = null;
        else if ((_heldSince ??= now) <= now - limits.FollowSeconds)
            ReturnsNothing = true;
    }
}
