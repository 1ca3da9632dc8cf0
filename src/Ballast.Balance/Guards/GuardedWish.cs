namespace Ballast.Balance.Guards;

/// <summary>One guest's wish on its way to a decision.</summary>
/// <param name="guest">The guest.</param>
/// <param name="record">What is remembered of it.</param>
/// <param name="limits">The numbers.</param>
/// <param name="now">The time in seconds.</param>
/// <param name="isExceeded">Whether balloons exceed what guests share.</param>
/// <param name="isAdvice">Whether nobody sets what is decided: then what was set before stays.</param>
internal sealed class GuardedWish(GuardedGuest guest, GuestRecord record, GuardLimits limits, double now, bool isExceeded, bool isAdvice)
{
    private const string StillShrinks = "It keeps what it uses and a margin: its balloon was on its way to less.";

    private GuardRule? _bound;
    private string _reason = "";
    private string? _cut;

    public GuestRecord Record => record;

    /// <summary>The rule by which it is left alone, whatever is wished for it; null where it is not.</summary>
    public required GuardRule? LeftBy { get; init; }

    /// <summary>The share of the margins that guests keep above what they use, 0 to 1.</summary>
    public double Margins { get; set; } = 1;

    public GuardDecision Decision { get; private set; }

    /// <summary>What it has or may take, whatever is decided now.</summary>
    public double Counted { get; private set; } = SizeOf(guest, record);

    /// <summary>By how much it is to grow; null where it is not to.</summary>
    public double? Lack { get; private set; }

    /// <summary>How much of that it gets.</summary>
    public double Granted { get; private set; }

    public IReadOnlyList<MemoryLimit> Limits => guest.Limits;

    private GuestState State => guest.State;

    // Where its balloon goes.
    private double Aim => record.Target ?? State.Balloon;

    private double FloorBound => FloorAt(Margins);

    // Numbers without what the guest uses are no ground to take anything.
    private double CertainBound =>
        guest.IsCertain && guest.Used is { } used && Sizes.IsSize(used) ? 0 : guest.IsResidentCertain ? State.Resident : State.Balloon;

    // Of whom nobody tells the size, the balloon may be where it was sent.
    private static double SizeOf(GuardedGuest guest, GuestRecord record) =>
        guest.MayHave is { } may ? Math.Max(guest.State.Balloon, Math.Max(may, record.Target ?? 0)) : guest.State.Balloon;

    /// <summary>What rules 1 and 2 keep for it with such a share of the margins; who is left alone keeps all it has.</summary>
    public double LeastAt(double margins) =>
        LeftBy is null ? Math.Min(Math.Max(FloorAt(margins), CertainBound), Math.Max(State.Maximum, State.Balloon))
        : LeftBy is GuardRule.UncertainNumbers ? 0
        : State.Balloon;

    /// <summary>No change; what it was told before may still come true.</summary>
    public void Leave(GuardRule rule, string reason)
    {
        // Of whom the size is not known, all may be held, and what it was before memory was unplugged; who may hold anything leaves
        // others nothing to grow by.
        Counted = Sizes.IsSize(State.Balloon) ? Math.Max(SizeOf(guest, record), Aim)
            : Sizes.IsSize(State.Maximum) ? Math.Max(State.Maximum, Math.Max(record.Target ?? 0, record.SeenSize))
            : double.PositiveInfinity;
        Decision = new GuardDecision(null, rule, reason);
    }

    /// <summary>The same of a balloon that may follow later after all: not to below what must not be taken from its guest.</summary>
    public void LeaveNotFollowing()
    {
        Leave(GuardRule.NotFollowing, "Its balloon does not follow: it counts with its size.");

        // Advice leaves it alone, whatever is due to it.
        if (isAdvice)
            return;
        if (Aim > State.Balloon)
        {
            // What was kept for it is others'.
            Counted = SizeOf(guest, record);
            Decision = Decision with { Target = State.Balloon };
            return;
        }

        StopAboveFloor("It keeps what it uses and a margin, should its balloon follow later.");
    }

    /// <summary>The same of a balloon that somebody else moved; what was set since then, by an upper rule, may still come true.</summary>
    public void LeaveForeign()
    {
        Leave(GuardRule.ForeignTarget, "Somebody else, or the guest itself, moved its balloon.");
        StopAboveFloor(StillShrinks);
    }

    public void NotReady()
    {
        if (guest.Obstacle == GuestObstacle.FixedMemory)
        {
            Leave(GuardRule.NothingReturned, "Its memory is locked, in huge pages, or passed through: its balloon would give the host nothing back.");
            StopAboveFloor(StillShrinks);
            return;
        }

        string reason = guest.Obstacle switch
        {
            GuestObstacle.NoBalloonDevice => "It has no balloon device.",
            GuestObstacle.DriverNotLoaded => "Its balloon driver is not loaded.",
            GuestObstacle.Booting => "It has not reported since it was started or reset.",
            GuestObstacle.Prelaunch => "It waits to be started.",
            GuestObstacle.Paused => "It is paused.",
            _ => "It moves to another host.",
        };
        if (guest.WasReset)
        {
            WantGrowth(State.Maximum, GuardRule.NotReady, "It was reset: a system that starts needs the memory that the one before did without.");
            return;
        }

        Leave(GuardRule.NotReady, reason);
        if (guest.Obstacle == GuestObstacle.Migrating)
            StopAboveFloor(StillShrinks);
    }

    public void GiveBack()
    {
        const string reason = "The host got nothing back from its balloon: its memory is locked, in huge pages, or passed through.";
        if (State.Maximum - State.Balloon < limits.LeastChange && Aim >= State.Balloon)
            Leave(GuardRule.NothingReturned, reason);
        else
            WantGrowth(State.Maximum, GuardRule.NothingReturned, reason);
    }

    public void Take(BalloonWish wish)
    {
        double wanted = Math.Min(wish.Target ?? State.LastWish, State.Maximum);
        if (!double.IsFinite(wanted))
            wanted = State.Balloon;
        (_bound, _reason) = (null, wish.Reason);
        if (wanted > State.Balloon)
            WantGrowth(wanted, null, wish.Reason);
        else if (wanted < State.Balloon)
            Shrink(wanted);
        else
            Decide(wanted);
    }

    /// <summary>It gets no more than this of what it lacks.</summary>
    /// <param name="granted">So much.</param>
    /// <param name="limit">The limit that leaves no more; null: the budget.</param>
    public void Cut(double granted, MemoryLimit? limit)
    {
        // Whoever gives, its group has no room for it.
        if (_cut is not null && Granted <= 0)
            return;
        (Granted, _cut) = (granted, limit?.Explain(State.Balloon + granted) ?? "It grows only as others have given back.");
    }

    /// <summary>It grows by what it gets.</summary>
    public void GrantGrowth()
    {
        // Why it grows at all stays the reason.
        if (_cut is not null && _bound is not (GuardRule.NotReady or GuardRule.NothingReturned))
            (_bound, _reason) = (GuardRule.Budget, _cut);
        Decide(State.Balloon + Granted);
    }

    // A balloon on its way goes on, whatever became of its guest meanwhile.
    private void StopAboveFloor(string reason)
    {
        double least = Math.Max(FloorBound, CertainBound);
        if (Aim >= Math.Min(State.Balloon, least))
            return;
        least = Math.Min(State.Balloon, Math.Max(least, record.Reach(State, isExceeded).Least));
        Decision = new GuardDecision(least, GuardRule.Floor, reason);
    }

    private void WantGrowth(double wanted, GuardRule? rule, string reason)
    {
        (_bound, _reason) = (rule, reason);
        double most = record.Reach(State, isExceeded).Most;
        if (wanted > most)
            (wanted, _bound, _reason) = rule is null ? (most, GuardRule.Speed, "It grows step by step.") : (most, rule, reason + " It grows step by step.");
        Lack = Granted = Math.Max(0, wanted - State.Balloon);
        Decision = new GuardDecision(null, _bound, _reason);
    }

    private void Shrink(double wanted)
    {
        Bound(FloorBound, GuardRule.Floor, "It keeps what it uses and a margin.");
        Bound(CertainBound, GuardRule.UncertainNumbers, "Its numbers are not certain: it keeps what the host holds of it.");
        Bound(record.Reach(State, isExceeded).Least, GuardRule.Speed, "It shrinks step by step.");
        Decide(Math.Min(wanted, State.Balloon));

        void Bound(double size, GuardRule rule, string reason)
        {
            if (wanted < size)
                (wanted, _bound, _reason) = (size, rule, reason);
        }
    }

    private double FloorAt(double margins)
    {
        if (guest.Used is not { } used || !Sizes.IsSize(used))
            return State.Minimum;
        double floor = WithMargin(used);
        if (guest.IsResidentCertain && guest.CountsSwapping && State.Resident < used)
            floor = record.Claim.Floor(State, floor, WithMargin(State.Resident), now);
        return Math.Max(State.Minimum, floor);

        double WithMargin(double size)
        {
            double factor = guest.DeflatesOnOom ? 1 : limits.FloorFactorWithoutDeflate;
            return size + (margins * factor * ((limits.FloorShare * size) + limits.FloorMargin));
        }
    }

    private void Decide(double target)
    {
        // What it was told before does, where it is nearly the same and on the careful side. While balloons exceed what there is, the host
        // swaps for little as well.
        bool maySuffice = target >= State.Balloon
            ? Aim >= State.Balloon && Aim <= target && target - Aim < limits.LeastGrowth
            : Aim <= State.Balloon && Aim >= target && Aim - target < (isExceeded ? limits.LeastGrowth : limits.LeastChange);
        Decision = new GuardDecision(maySuffice ? null : target, _bound, _reason);
    }
}
