using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;

namespace Ballast.Balance.Recording;

/// <summary>One policy's way through a record.</summary>
/// <param name="name">The policy's.</param>
/// <param name="period">The least seconds between two decisions; null: it decides at each look.</param>
/// <param name="members">Of the guests that were recorded, those that share a budget.</param>
internal sealed class PolicyReplay(string name, double? period, BudgetSetting members)
{
    // Looks are not to the moment; and of the first decision nobody knows how long it holds.
    private const double Slack = 0.5, UsualPeriod = 10;
    private const double SecondsPerHour = 3600;
    private const int MostWorst = 10;

    private readonly IBalloonPolicy _policy = BalloonPolicies.Create(name);
    private readonly BalloonGuard _guard = new();
    private readonly GroupRoom _room = new();
    private readonly Dictionary<Guid, GuestReplay> _all = [];
    private Dictionary<(Guid, int?), GuestReplay> _present = [];
    private double? _lookedAt, _decidedAt;
    private BudgetException? _noBudget;
    private double _seconds, _returned, _moved;
    private int _decisions;

    /// <summary>One look: what came of the wishes before it, and the next ones.</summary>
    public void Look(BudgetSetting budget, HostMemory host, IReadOnlyList<GuestFacts> guests, double time)
    {
        double passed = time - (_lookedAt ?? time);
        Dictionary<(Guid, int?), GuestReplay> present = new(guests.Count);
        foreach (GuestFacts guest in guests)
        {
            // Its id is the same, but it is no longer the guest that the last wish was for.
            if (_present.TryGetValue(guest.Key, out GuestReplay? replay) && replay.IsAnother(guest, time))
                _ = _present.Remove(guest.Key);
        }

        // A monitor that does not answer moves no balloon, and a limit that cannot be read is still there.
        GuestFacts[] known = [.. guests.Select(guest => guest.After(_present.GetValueOrDefault(guest.Key)?.Facts)).Where(guest => HostBudget.Includes(members, guest.GroupPath))];
        _room.Share(budget, known);
        double returned = 0;
        foreach (GuestFacts guest in known)
        {
            // A restarted guest is the same guest, without its history.
            if (!_present.TryGetValue(guest.Key, out GuestReplay? replay))
                _all[guest.Uuid] = replay = _all.GetValueOrDefault(guest.Uuid)?.Again() ?? new GuestReplay(guest.Name, guest.Uuid);
            replay.See(guest, host, time, _present.ContainsKey(guest.Key) ? passed : 0);
            returned += replay.Returned;
            present[guest.Key] = replay;
        }

        _seconds += passed;
        _returned += returned * passed;
        (_present, _lookedAt) = (present, time);
        bool isDue = _decidedAt is not { } before || time - before >= (period ?? 0) - Slack;
        if (isDue)
            Decide(budget, host, known, time, returned);
    }

    /// <exception cref="BudgetException">No sample tells what guests share.</exception>
    public ReplayResult Result()
    {
        if (_decidedAt is null && _noBudget is not null)
            throw _noBudget;
        ReplayedGuest[] guests = [.. _all.Values.Select(guest => guest.Result()).OrderBy(guest => guest.Name, StringComparer.Ordinal)];
        WrongWish[] worst = [.. _all.Values.SelectMany(guest => guest.Worst).OrderByDescending(wish => wish.LackMib).ThenBy(wish => wish.Time).Take(MostWorst)];
        double Mean(double sum) => _seconds > 0 ? sum / _seconds : 0;
        double given = _all.Values.Sum(guest => guest.GivenSum), known = guests.Sum(guest => guest.KnownSeconds), wrong = guests.Sum(guest => guest.WrongSeconds);
        return new ReplayResult(name)
        {
            Decisions = _decisions,
            GivenMib = Mean(given),
            GivenMibHours = given / SecondsPerHour,
            ReturnedMib = Mean(_returned),
            GrownMib = Mean(_all.Values.Sum(guest => guest.GrownSum)),
            MovedMib = _moved,
            Wrong = guests.Sum(guest => guest.Wrong),
            WorstMib = guests.Select(guest => guest.WorstMib).DefaultIfEmpty().Max(),
            LongestSeconds = guests.Select(guest => guest.LongestSeconds).DefaultIfEmpty().Max(),
            WrongSeconds = wrong,
            WrongPercent = known > 0 ? 100 * wrong / known : 0,
            Guests = guests,
            Worst = worst,
        };
    }

    private void Decide(BudgetSetting budget, HostMemory host, IReadOnlyList<GuestFacts> guests, double time, double returned)
    {
        // Looks come when they come: the next decision may be further off than was asked for, as this one was.
        double holds = time > _decidedAt ? time - _decidedAt.Value : period ?? UsualPeriod;

        // What the host has is as it was recorded, and what the wishes would have returned comes to it.
        HostState state;
        try
        {
            state = HostBudget.Of(budget, host, guests, time, holds);
        }
        catch (BudgetException e)
        {
            // The control group was gone for a moment: until it is back, what was wished stands.
            _noBudget = e;
            return;
        }

        state = state with { Free = state.Free + returned };
        GuestReplay[] known = [.. _present.Values.Where(guest => guest.Guarded is not null)];
        GuardedGuest[] guarded = [.. known.Select(guest => guest.Guarded!)];
        IReadOnlyList<BalloonWish> wishes = _policy.Decide(state, GroupRoom.Bound(guarded));
        bool isFirst = _decidedAt is null;
        _decidedAt = time;

        // As with advice, the first look only teaches: rates need two.
        if (isFirst)
        {
            _ = _guard.Advise(state, guarded, wishes);
            return;
        }

        IReadOnlyList<GuardDecision> decisions = _guard.Decide(state, guarded, wishes);
        _decisions++;
        for (int i = 0; i < known.Length; i++)
            _moved += known[i].Wish(decisions[i].Target, wishes[i].Reason);
    }
}
