using System.Globalization;
using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>Advice about one guest in the making: sizes in MiB.</summary>
internal sealed class AdviceDraft
{
    private const double KiB = 1024;

    private readonly BalloonWish _wish;
    private readonly GuardDecision _decision, _step;
    private readonly double _least;
    private double? _target;
    private GuardDecision _bound;
    private MemoryLimit? _full;

    /// <param name="track">The guest.</param>
    /// <param name="wish">What the policy wishes.</param>
    /// <param name="decision">What the guards leave of that.</param>
    /// <param name="least">How far it could be taken from in all.</param>
    /// <param name="step">How far of that now.</param>
    public AdviceDraft(GuestTrack track, BalloonWish wish, GuardDecision decision, double least, GuardDecision step)
    {
        (Track, _wish, _decision, _least, _step) = (track, wish, Bound(decision, track), Math.Max(least, Kept(track)), Bound(step, track));
        Lacking = Wants;
    }

    public GuestTrack Track { get; }

    /// <summary>What it lacks to what it needs.</summary>
    public double Short
    {
        get
        {
            double lack = Lack(_wish.Needed ?? _wish.Target ?? 0);
            return IsAlone || lack < (CanGrow && IsShort ? double.Epsilon : GuestAdviceLimits.Least) ? 0 : lack;
        }
    }

    /// <summary>
    /// What others have to give for it: what it lacks, or, where it is short though it has what the policy thinks it needs, what the
    /// policy would give it.
    /// </summary>
    public double Wants
    {
        get
        {
            if (!IsShort || IsAlone)
                return Short;
            double lack = Short > 0 ? Short : Lack(_wish.Target ?? 0);
            return lack > 0 && CanGrow ? Math.Max(lack, Lack(Track.Balloon + GuestAdviceLimits.LeastForShort)) : 0;
        }
    }

    /// <summary>As much of that as the limits of its control groups leave it.</summary>
    public double Lacking { get; private set; }

    /// <summary>Whether something is taken.</summary>
    public bool IsTaken => _target is not null;

    /// <summary>How much.</summary>
    public double Taken => Track.Balloon - (_target ?? Track.Balloon);

    private bool IsShort => Track.IsShort;

    // Its maximum lets it have more.
    private bool CanGrow => Track.Guarded!.State.Maximum - Track.Balloon >= GuestAdviceLimits.Least;

    // What bounds how far it may be shrunk is no reason why it has to wait.
    private bool BoundsGrowth => _decision.BoundBy is GuardRule.Budget || (_decision.BoundBy is GuardRule.Speed && !(_decision.Target < Track.Balloon));

    private bool IsAlone => Track.Standing.Alone is not null || IsLeft(_decision);

    /// <summary>
    /// Whether something may be taken from it. Who is short itself gives nothing. To the host it gives what the policy takes; to a full
    /// control group, of which no policy knows, what it could do without.
    /// </summary>
    public bool MayGive(bool isForGroup) =>
        !IsAlone && Short <= 0 && !IsShort && !IsLeft(Offer(isForGroup)) && Offered(isForGroup) >= GuestAdviceLimits.Least;

    /// <summary>What it could give a full control group in all, in as many steps as that takes; nothing that is no change counts.</summary>
    public double GivesInAll
    {
        get
        {
            // Where speed does not bound it, the next step is as far as it goes.
            double gives = _step is { Target: not null, BoundBy: not GuardRule.Speed } ? Down(_step) : Track.Balloon - _least;
            return IsAlone || Short > 0 || IsShort || IsLeft(_step) || gives < GuestAdviceLimits.Least ? 0 : gives;
        }
    }

    /// <summary>What the host gets back by what may be taken.</summary>
    public double Returns(bool isForGroup) => Gain(Track.Balloon - Offered(isForGroup));

    public AdviceRisk RiskOf(bool isForGroup) => RiskAt(Track.Balloon - Offered(isForGroup)).Risk;

    /// <summary>Takes what somebody needs, beside what is taken already.</summary>
    /// <returns>How much that is.</returns>
    public double Take(double needed, bool isForGroup)
    {
        double before = Taken, offered = Offered(isForGroup), takes = Math.Min(offered, Math.Max(before + needed, GuestAdviceLimits.Least));
        if (takes <= before)
            return 0;
        (_target, _bound) = (Track.Balloon - takes, takes < offered ? default : Offer(isForGroup));
        return takes - before;
    }

    /// <summary>Bounds what it lacks by what a limit leaves all that share it.</summary>
    /// <param name="share">How much of what they lack it leaves them, 0 to 1.</param>
    public void Limit(double share) => Lacking *= share;

    /// <summary>Notes a limit that leaves it nothing, whatever those who share it give.</summary>
    public void Fill(MemoryLimit limit) => _full ??= limit;

    /// <summary>
    /// A wish without a reserve for what nobody foresees: that is for who has the memory in hand. Who followed the advice that a guest
    /// could give some is not told to give it back at once, and what is free goes to those who need it.
    /// </summary>
    /// <param name="track">The guest.</param>
    /// <param name="wish">What the policy wishes; one without an estimate wishes what it thinks the guest needs.</param>
    public static BalloonWish WithoutReserve(GuestTrack track, BalloonWish wish)
    {
        GuestState state = track.Guarded!.State;
        double target = wish.Target ?? state.LastWish, needed = Math.Min(Math.Max(wish.Kept ?? 0, wish.Needed ?? wish.Target ?? 0), state.Maximum);
        if (!track.IsShort)
            return needed - track.Balloon >= GuestAdviceLimits.Least ? wish : wish with { Target = Math.Min(target, track.Balloon) };

        // What it is short of is rarely worth a change, but that it is short.
        return Math.Max(needed, target) > track.Balloon
            ? wish with { Target = Math.Max(target, Math.Min(track.Balloon + GuestAdviceLimits.LeastForShort, state.Maximum)) }
            : wish;
    }

    /// <summary>A guest of which nobody knows how large it is.</summary>
    public static GuestAdvice Unknown(GuestTrack track) => new()
    {
        Guest = track.Seen,
        Kind = AdviceKind.Leave,
        Reason = track.Standing.Alone ?? "Nobody knows how large it is.",
        Remedy = track.Standing.Remedy,
    };

    public GuestAdvice Make()
    {
        double grows = (_decision.Target ?? Track.Balloon) - Track.Balloon, could = Track.Balloon - (_step.Target ?? Track.Balloon);
        if (_target is { } target)
            return Shrink(AdviceKind.Take, target, _bound, _wish.Reason);
        if (grows >= GuestAdviceLimits.Least)
            return Grow();
        if (IsAlone)
            return Leave();

        // Nobody has what it could get.
        if (_full is { } limit && (Wants > 0 || IsShort))
            return Common(AdviceKind.Keep, _wish.Reason, new GuardDecision(null, GuardRule.Budget, limit.Explain(Track.Balloon)));

        // It is in the balloons of others.
        if (Wants > 0)
            return Common(AdviceKind.Wait, _wish.Reason, BoundsGrowth ? _decision : default) with { Short = Short };
        if (IsShort)
            return Common(AdviceKind.Keep, WhyShortIsKept(), default);
        return could >= GuestAdviceLimits.Least && IsWorthTelling(Track.Balloon - could) && !IsLeft(_step)
            ? Shrink(AdviceKind.Could, Track.Balloon - could, _step, _wish.Reason)
            : Common(AdviceKind.Keep, _wish.Reason, default);
    }

    private string WhyShortIsKept() => CanGrow
        ? $"{_wish.Reason.TrimEnd('.')}; it has that, though it is short by its report."
        : "It is as large as its maximum lets it be: it needs a larger one, or less to do.";

    private GuardDecision Offer(bool isForGroup) => isForGroup && Down(_step) > Down(_decision) ? _step : _decision;

    private double Offered(bool isForGroup) => Down(Offer(isForGroup));

    private double Down(GuardDecision decision) => Track.Balloon - (decision.Target ?? Track.Balloon);

    private double Lack(double size) => Math.Min(size, Track.Guarded!.State.Maximum) - Track.Balloon;

    // What `setmem` refuses is not advised: where guards would test what a guest claims, or let it keep no margin, nobody does so by hand.
    private static GuardDecision Bound(GuardDecision decision, GuestTrack track) =>
        decision.Target < Math.Min(Kept(track), track.Balloon)
            ? new GuardDecision(Math.Min(Kept(track), track.Balloon), GuardRule.Floor, string.Create(CultureInfo.InvariantCulture,
                $"By its report it needs {Kept(track) - (GuestShortage.MarginKiB / KiB):F0} MiB: it keeps that and {GuestShortage.MarginKiB / KiB:F0} MiB to spare."))
            : decision;

    private static double Kept(GuestTrack track) => (GuestShortage.FloorKiB(track.Seen.Stats) ?? 0) / KiB;

    // What others need is worth its line for the room that it makes in the budget. Where nobody needs it, only what the host gets back
    // counts: of a guest that never touched its memory, that is nothing.
    private bool IsWorthTelling(double step)
    {
        double least = Math.Min(step, _least), gain = Gain(least);
        return gain >= GuestAdviceLimits.Least && gain >= GuestAdviceLimits.GainShare * (Track.Balloon - least);
    }

    // A guard that leaves it alone, whatever anybody wishes; or would give it back what the host does not get, and has no room for that.
    private bool IsLeft(GuardDecision decision) =>
        (decision.BoundBy is GuardRule.NothingReturned && decision.Target < Track.Balloon + GuestAdviceLimits.Least)
        || decision is { Target: null, BoundBy: GuardRule.NotReady or GuardRule.NothingReturned or GuardRule.NotFollowing or GuardRule.ForeignTarget or GuardRule.Failures };

    private GuestAdvice Grow()
    {
        // Whole MiB, and not more than may be given.
        double target = Math.Min(Math.Floor(_decision.Target!.Value), Track.Guarded!.State.Maximum);
        string reason = Track.Standing.Alone is null && _decision.BoundBy is not GuardRule.NothingReturned ? _wish.Reason : _decision.Reason;
        return Common(AdviceKind.Give, reason, _decision) with { Target = target, Short = Short };
    }

    private GuestAdvice Leave() => Common(AdviceKind.Leave, Track.Standing.Alone ?? _decision.Reason, default) with
    {
        BoundBy = _decision.BoundBy ?? (Track.Guarded!.IsCertain ? null : GuardRule.UncertainNumbers),
        Remedy = Track.Standing.Remedy,
    };

    private GuestAdvice Shrink(AdviceKind kind, double size, GuardDecision bound, string reason)
    {
        double target = Math.Ceiling(size);
        return Common(kind, reason, bound) with
        {
            Target = target,
            Gain = Gain(target),
            PossibleGain = Gain(Math.Min(target, _least)),
            IsGainCertain = Track.Resident is not null,
            Risk = RiskAt(target).Risk,
            Cost = RiskAt(target).Cost,
        };
    }

    private GuestRisk RiskAt(double target) =>
        new(Track, Track.Balloon - target, Math.Min(_wish.Needed ?? 0, Track.Guarded!.State.Maximum) - target);

    // What the host does not hold, it does not get back.
    private double Gain(double target) => Math.Max(0, Math.Min(Track.Resident ?? Track.Balloon, Track.Balloon) - target);

    private GuestAdvice Common(AdviceKind kind, string reason, GuardDecision bound) => new()
    {
        Guest = Track.Seen,
        Kind = kind,
        Balloon = Track.Balloon,
        IsShort = IsShort,
        AreLimitsKnown = Track.Facts is { AreLimitsUnknown: false },
        Reason = reason,
        BoundBy = bound.BoundBy,
        Bound = bound.BoundBy is { } ? bound.Reason : "",
    };
}
