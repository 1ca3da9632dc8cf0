namespace Ballast.Balance.Guards;

/// <summary>
/// Limits the wishes of any policy by the rules of <see cref="GuardRule"/>, before they reach a balloon. It remembers its decisions, has
/// no clock and does no I/O.
/// </summary>
public sealed class BalloonGuard
{
    private readonly GuardLimits _limits;
    private readonly Dictionary<string, GuestRecord> _records = [];
    private int _failures;
    private long _round;

    /// <param name="limits">The guard's numbers; null for the defaults.</param>
    public BalloonGuard(GuardLimits? limits = null) => _limits = limits ?? new GuardLimits();

    /// <summary>Whether the guard has stopped because changes failed too often. It then changes nothing until <see cref="Resume"/>.</summary>
    public bool HasStopped => _failures >= _limits.MostFailures;

    /// <summary>Makes a guard that has stopped decide again.</summary>
    public void Resume() => _failures = 0;

    /// <summary>Reports the result of a change. A success ends a row of failures.</summary>
    /// <param name="isDone">Whether the hypervisor accepted the change.</param>
    public void NoteChange(bool isDone)
    {
        if (!HasStopped)
            _failures = isDone ? 0 : _failures + 1;
    }

    /// <summary>Reports a target that somebody set on the advice of <see cref="Advise"/>.</summary>
    /// <param name="guest">The name of a guest of the last decision; other names are ignored.</param>
    /// <param name="target">The balloon's new target in MiB.</param>
    /// <param name="time">The time, in seconds on the clock of <see cref="HostState.Time"/>.</param>
    public void NoteTarget(string guest, double target, double time)
    {
        if (_records.TryGetValue(guest, out GuestRecord? record))
            record.Set(target, time);
    }

    /// <summary>As <see cref="Decide"/>, for decisions that are only shown: the guard assumes that the targets are not set.</summary>
    /// <inheritdoc cref="Decide" path="/param"/>
    /// <returns>The decision for each guest, in the same order.</returns>
    /// <exception cref="ArgumentException">The numbers of wishes and guests differ.</exception>
    public IReadOnlyList<GuardDecision> Advise(HostState host, IReadOnlyList<GuardedGuest> guests, IReadOnlyList<BalloonWish> wishes) =>
        [.. BoundAll(host, guests, wishes, isAdvice: true).Select(wish => wish.Decision)];

    /// <summary>Turns a policy's wishes into decisions. The guard assumes that the caller sets each target at once.</summary>
    /// <param name="host">The current state of the host. Guests share its memory less overhead and reserve.</param>
    /// <param name="guests">The current state of the guests, with unique names.</param>
    /// <param name="wishes">The policy's wish for each guest, in the same order.</param>
    /// <returns>The decision for each guest, in the same order.</returns>
    /// <exception cref="ArgumentException">The numbers of wishes and guests differ.</exception>
    public IReadOnlyList<GuardDecision> Decide(HostState host, IReadOnlyList<GuardedGuest> guests, IReadOnlyList<BalloonWish> wishes)
    {
        GuardedWish[] all = BoundAll(host, guests, wishes, isAdvice: false);
        foreach (GuardedWish wish in all)
        {
            if (wish.Decision.Target is { } target)
                wish.Record.Set(target, host.Time);
        }

        return [.. all.Select(wish => wish.Decision)];
    }

    private GuardedWish[] BoundAll(HostState host, IReadOnlyList<GuardedGuest> guests, IReadOnlyList<BalloonWish> wishes, bool isAdvice)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        ArgumentNullException.ThrowIfNull(wishes);
        if (wishes.Count != guests.Count)
            throw new ArgumentException($"{guests.Count} guests have {wishes.Count} wishes", nameof(wishes));
        _round++;
        double budget = host.Memory - host.Overhead - host.Reserve;
        bool isExceeded = Sizes.Sum(guests, guest => IsKnown(guest.State) ? guest.State.Balloon : 0) > budget;
        GuardedWish[] all = [.. guests.Select(guest => Look(guest, host.Time, isExceeded, isAdvice))];
        Forget();
        double margins = MarginsThatFit(all, budget);
        for (int i = 0; i < all.Length; i++)
        {
            all[i].Margins = margins;
            Bound(all[i], wishes[i]);
        }

        GrowthSharing.Share(all, budget, isAdvice ? _limits.LeastChange : 0);
        return all;
    }

    // Who is gone is not remembered: another one may come under its name.
    private void Forget()
    {
        foreach ((string name, GuestRecord record) in _records)
        {
            // Removing does not end the walk.
            if (record.Round != _round)
                _ = _records.Remove(name);
        }
    }

    private GuardedWish Look(GuardedGuest guest, double now, bool isExceeded, bool isAdvice)
    {
        if (!_records.TryGetValue(guest.State.Name, out GuestRecord? record))
            _records[guest.State.Name] = record = new GuestRecord(_limits);
        record.Round = _round;
        if (IsKnown(guest.State) && guest.IsSizeCertain)
            record.Observe(guest, now);
        return new GuardedWish(guest, record, _limits, now, isExceeded, isAdvice) { LeftBy = LeftBy(guest, record, now) };
    }

    private GuardRule? LeftBy(GuardedGuest guest, GuestRecord record, double now) =>
        !IsKnown(guest.State) ? GuardRule.UncertainNumbers
        : HasStopped ? GuardRule.Failures
        : guest.Obstacle != GuestObstacle.None ? GuardRule.NotReady
        : record.ReturnsNothing ? GuardRule.NothingReturned
        : now < record.NotFollowingUntil ? GuardRule.NotFollowing
        : now < record.ForeignUntil ? GuardRule.ForeignTarget
        : null;

    /// <summary>
    /// The share of all margins that fits into the budget beside what guests use. Where they do not fit, one guest's margin is what
    /// another lacks, or what the host swaps.
    /// </summary>
    private static double MarginsThatFit(GuardedWish[] wishes, double budget)
    {
        double bare = 0, margins = 0;
        foreach (GuardedWish wish in wishes)
        {
            double least = wish.LeastAt(0);
            bare += least;
            margins += wish.LeastAt(1) - least;
        }

        // Of a budget that nobody knows, nobody knows what fits. Where not even what guests use fits, to be without margins helps
        // nobody: they would read from their own swap what the host's would have held.
        return double.IsNaN(budget) || budget - bare >= margins || budget < bare ? 1 : (budget - bare) / margins;
    }

    private void Bound(GuardedWish bounded, BalloonWish wish)
    {
        switch (bounded.LeftBy)
        {
            case null:
                bounded.Take(wish);
                break;
            case GuardRule.UncertainNumbers:
                bounded.Leave(GuardRule.UncertainNumbers, "Its sizes are not known.");
                break;
            case GuardRule.Failures:
                bounded.Leave(GuardRule.Failures, $"The last {_failures} changes failed: nothing is changed until somebody looks.");
                break;
            case GuardRule.NotReady:
                bounded.NotReady();
                break;
            case GuardRule.NothingReturned:
                bounded.GiveBack();
                break;
            case GuardRule.NotFollowing:
                bounded.LeaveNotFollowing();
                break;
            default:
                bounded.LeaveForeign();
                break;
        }
    }

    private static bool IsKnown(GuestState state) =>
        Sizes.IsSize(state.Balloon) && Sizes.IsSize(state.Minimum) && Sizes.IsSize(state.Maximum) && Sizes.IsSize(state.Resident);
}
