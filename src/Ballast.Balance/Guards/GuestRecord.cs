namespace Ballast.Balance.Guards;

/// <summary>What guards remember of a guest.</summary>
internal sealed class GuestRecord(GuardLimits limits)
{
    private readonly BalloonTrail _trail = new();
    private readonly BalloonPull _pull = new(limits);
    private double? _size, _ours, _resident, _heldSince;
    private (double Balloon, double Resident)? _whole;
    private double _stuckAt;

    /// <summary>The last round in which it was there.</summary>
    public long Round { get; set; }

    /// <summary>What was set last, which outlives a reset; null where nothing was, or somebody else moved the balloon since.</summary>
    public double? Target { get; private set; }

    /// <summary>How large its balloon was when that was known last; 0 where it never was.</summary>
    public double SeenSize { get; private set; }

    public double NotFollowingUntil { get; private set; } = double.MinValue;

    public double ForeignUntil { get; private set; } = double.MinValue;

    /// <summary>Whether the host got nothing back from its balloon: it is not asked for memory again, as what keeps its memory there stays.</summary>
    public bool ReturnsNothing { get; private set; }

    /// <summary>What is made of a claim to use more than the host holds.</summary>
    public ClaimTest Claim { get; } = new(limits);

    /// <summary>How small and how large the balloon may be made now, by what it moved in the last minute.</summary>
    /// <param name="state">The guest now.</param>
    /// <param name="isExceeded">Balloons exceed what guests share: the host is about to swap, which harms all, so that only the step is bounded.</param>
    public (double Least, double Most) Reach(GuestState state, bool isExceeded)
    {
        (double smallest, double largest) = _trail.With(state.Balloon);
        double step = state.Balloon - (limits.ShrinkStepShare * state.Maximum), minute = largest - (limits.ShrinkMinuteShare * state.Maximum);
        return (
            isExceeded ? step : Math.Max(step, minute),
            Math.Min(state.Balloon + (limits.GrowStepShare * state.Maximum), smallest + (limits.GrowMinuteShare * state.Maximum)));
    }

    public void Observe(GuardedGuest guest, double now)
    {
        GuestState state = guest.State;
        SeenSize = state.Balloon;
        _resident = guest.IsResidentCertain ? state.Resident : null;
        _trail.Add(now, state.Balloon);
        Claim.Look(state.Report, now);

        // A system that starts has an empty balloon, and goes to the target that the one before was given.
        if (guest.WasReset || guest.Obstacle != GuestObstacle.None)
            _ours = null;
        NoteForeignMove(state, now);
        NoteFollowing(guest, now);
        NoteReturn(guest, now);
        _size = guest.Obstacle == GuestObstacle.None ? state.Balloon : null;
        _ours = _size is null ? null : _ours ?? _size;
    }

    /// <summary>This was set.</summary>
    public void Set(double target, double now)
    {
        Target = target;
        Claim.Stepped(now);
        _whole = target > SeenSize ? null : _whole ?? (_resident is { } resident ? (SeenSize, resident) : null);

        // From now on it is to follow.
        if (_size is { } size)
            _ = _pull.IsStuck(size, target, now);
    }

    // Between where it was by what was set and where it was sent, it is ours; anywhere else somebody else sent it, or the guest took
    // memory back. What is a little beyond may be either, and adds up.
    private void NoteForeignMove(GuestState state, double now)
    {
        if (_ours is not { } last)
            return;
        double aim = Target ?? last;
        _ours = Sizes.Clamp(state.Balloon, Sizes.Min(last, aim), Sizes.Max(last, aim));
        if (Math.Abs(state.Balloon - _ours.Value) <= limits.LeastChange)
            return;
        ForeignUntil = now + limits.ForeignPause;
        (Target, _ours) = (null, state.Balloon);
    }

    private void NoteFollowing(GuardedGuest guest, double now)
    {
        double size = guest.State.Balloon;
        if (now < NotFollowingUntil && Target is { } aim && (_stuckAt - size) * Math.Sign(_stuckAt - aim) >= limits.LeastChange)
        {
            // It was slow, as where its guest had to swap for it, and follows after all.
            NotFollowingUntil = double.MinValue;
        }

        // One that cannot move does not refuse to; one that was left alone gets another chance.
        if (Target is not { } target || guest.Obstacle != GuestObstacle.None || now < NotFollowingUntil)
            _pull.Forget();
        else if (_pull.IsStuck(size, target, now))
        {
            (NotFollowingUntil, _stuckAt) = (now + limits.NotFollowingPause, size);
            _pull.Forget();
        }
    }

    // What the host holds beside the balloon may be QEMU's own, however much it is. So it counts what the balloon took, and what the
    // host lost of that, since it was first told to shrink.
    private void NoteReturn(GuardedGuest guest, double now)
    {
        GuestState state = guest.State;
        double above = state.Resident - state.Balloon;
        bool isThere = Target is { } target && target < state.Maximum - limits.LeastChange && Math.Abs(state.Balloon - target) <= limits.LeastChange;
        if (Target is null || state.Balloon > _whole?.Balloon)
            _whole = null;
        if (!isThere || _resident is null || above <= (limits.NothingReturnedShare * state.Maximum) + limits.NothingReturnedMargin || HasReturned(state))
            _heldSince = null;
        else if ((_heldSince ??= now) <= now - limits.FollowSeconds)
            ReturnsNothing = true;
    }

    private bool HasReturned(GuestState state)
    {
        if (_whole is not { } whole)
            return true;

        // What the guest had never touched, nobody got back.
        double taken = Math.Min(whole.Balloon, whole.Resident) - state.Balloon;
        return taken < limits.LeastChange || whole.Resident - state.Resident >= limits.ReturnedShare * taken;
    }
}
