using Ballast.Balance.Guards;
using Ballast.Balance.Policies;

namespace Ballast.Balance.Advice;

/// <summary>
/// Advises on balloons, sample after sample, and reports the results of advice. It changes nothing, has no clock and does no I/O.
/// </summary>
public sealed class Advisor
{
    // What happens soon is looked at often; what does not change, seldom. In seconds.
    private const double QuickPeriod = 2, UsualPeriod = 10, SlowPeriod = 30, PressedShare = 0.01;
    private const int QuietRounds = 3;

    private readonly IBalloonPolicy _policy;
    private readonly BudgetSetting _budget;
    private readonly BalloonGuard _guard = new();
    private readonly GroupRoom _room = new();
    private Dictionary<(Guid, int?), GuestTrack> _tracks = [];
    private readonly AdviceNews _news = new();
    private int _quiet;
    private bool _isPressed;

    /// <param name="policy">A name of <see cref="BalloonPolicies.Names"/>.</param>
    /// <param name="budget">The memory that guests share.</param>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    public Advisor(string policy = BalloonPolicies.Ours, BudgetSetting budget = default) => (_policy, _budget) = (BalloonPolicies.Create(policy), budget);

    /// <summary>The number of seconds until the next sample: small while a guest is short or a balloon moves, larger while nothing changes.</summary>
    public double Period { get; private set; } = UsualPeriod;

    /// <summary>The number of seconds between two samples, where the caller does not go by <see cref="Period"/>; otherwise null.</summary>
    public double? FixedPeriod { get; init; }

    /// <summary>Takes in a sample without giving advice: rates need two samples.</summary>
    /// <inheritdoc cref="Advise" path="/param|/exception"/>
    public void Learn(SeenHost seen, double time) => _ = Look(seen, time);

    /// <summary>As <see cref="Consider"/>, for callers that pass on all advice each time.</summary>
    /// <inheritdoc cref="Consider"/>
    public HostAdvice Advise(SeenHost seen, double time)
    {
        HostAdvice advice = Consider(seen, time);
        Tell(advice.Guests);
        return advice;
    }

    /// <summary>Advice about a sample. Pass what you tell people to <see cref="Tell"/>: only that can be followed.</summary>
    /// <param name="seen">The host and all its guests; omitted guests would count as other programs.</param>
    /// <param name="time">The current time, in seconds on any monotonic clock.</param>
    /// <exception cref="BudgetException">The memory that guests share is unknown.</exception>
    public HostAdvice Consider(SeenHost seen, double time)
    {
        HostAdvice advice = Look(seen, time);
        foreach (GuestTrack track in _tracks.Values)
            track.Followed.Repeat(time);
        BalanceMetrics.Record(advice);
        return advice;
    }

    /// <summary>Notes advice that people were told. It stands until they are told something else.</summary>
    /// <param name="guests">Advice of the last look: all of it, or that about some guests.</param>
    public void Tell(IEnumerable<GuestAdvice> guests)
    {
        ArgumentNullException.ThrowIfNull(guests);
        foreach (GuestAdvice guest in guests)
        {
            if (_tracks.TryGetValue(guest.Guest.Key, out GuestTrack? track))
                track.Followed.Tell(guest, track.Resident, track.Time);
        }
    }

    private HostAdvice Look(SeenHost seen, double time)
    {
        ArgumentNullException.ThrowIfNull(seen);
        (SeenGuest Guest, GuestFacts Facts, GuestTrack Track)[] all = [.. seen.Guests.Select(guest => Recall(guest, time)).Where(one => HostBudget.Includes(_budget, one.Facts.GroupPath))];
        SeenGuest[] guests = [.. all.Select(one => one.Guest)];
        GuestFacts[] facts = [.. all.Select(one => one.Facts)];
        GuestTrack[] known = [.. all.Select(one => one.Track)];
        _room.Share(_budget, facts);
        HostState host = HostBudget.Of(_budget, seen.Memory, facts, time, FixedPeriod ?? Period);
        GuestTrack[] tracks = Follow(guests, facts, known, seen.Memory, time, out List<AdviceOutcome> outcomes, out bool isMoving);
        GuestAdvice[] advice = Decide(host, tracks);
        HostAdvice whole = new(host, seen.Memory, [.. advice.OrderBy(one => one.Kind switch
        {
            AdviceKind.Take => 0,
            AdviceKind.Give => 1,
            AdviceKind.Wait => 2,
            AdviceKind.Could => 3,
            AdviceKind.Leave => 4,
            _ => 5,
        }).ThenByDescending(one => Math.Max(one.Gain, one.Short)).ThenBy(one => one.Guest.Domain.Name, StringComparer.Ordinal)], outcomes);
        SetPeriod(whole, isMoving);
        return whole;
    }

    /// <summary>What is seen of a guest, with what is remembered of it.</summary>
    private (SeenGuest Guest, GuestFacts Facts, GuestTrack Track) Recall(SeenGuest guest, double time)
    {
        GuestFacts facts = GuestFacts.Of(guest);
        GuestTrack track = _tracks.GetValueOrDefault(facts.Key)?.For(facts, time) ?? new GuestTrack();
        return (guest, facts.After(track.Facts), track);
    }

    private GuestTrack[] Follow(
        SeenGuest[] guests, GuestFacts[] facts, GuestTrack[] known, HostMemory host, double time, out List<AdviceOutcome> outcomes, out bool isMoving)
    {
        outcomes = [];
        isMoving = false;
        Dictionary<(Guid, int?), GuestTrack> tracks = new(guests.Length);
        for (int i = 0; i < guests.Length; i++)
        {
            SeenGuest guest = guests[i];
            GuestTrack track = known[i];
            track.See(guest, facts[i], host, time);
            if (track.Followed.See(track, out bool isToward) is { } outcome)
                outcomes.Add(outcome);
            if (isToward)
                _guard.NoteTarget(track.Name, track.Followed.Target!.Value, time);
            isMoving |= isToward;
            tracks[guest.Key] = track;
        }

        _tracks = tracks;
        return [.. tracks.Values];
    }

    private GuestAdvice[] Decide(HostState host, GuestTrack[] tracks)
    {
        GuestTrack[] known = [.. tracks.Where(track => track.Guarded is not null)];
        GuardedGuest[] guarded = [.. known.Select(track => track.Guarded!)];
        BalloonWish[] wishes =
            [.. _policy.Decide(host, GroupRoom.Bound(guarded)).Zip(known, (wish, track) => AdviceDraft.WithoutReserve(track, wish))];
        IReadOnlyList<GuardDecision> decisions = _guard.Advise(host, guarded, wishes);

        // How far each could be taken from in all, and how far of that now.
        double[] least = Least(host, guarded, wishes);
        IReadOnlyList<GuardDecision> steps = _guard.Advise(host, guarded, [.. least.Select(size => new BalloonWish(size, ""))]);
        AdviceDraft[] drafts = [.. known.Select((track, i) => new AdviceDraft(track, wishes[i], decisions[i], least[i], steps[i]))];
        GiverChoice.Choose(host, drafts);
        Dictionary<GuestTrack, GuestAdvice> made = drafts.ToDictionary(draft => draft.Track, draft => draft.Make());
        return [.. tracks.Select(track => made.GetValueOrDefault(track) ?? AdviceDraft.Unknown(track))];
    }

    private static double[] Least(HostState host, GuardedGuest[] guests, BalloonWish[] wishes)
    {
        BalloonGuard unhurried = new(new GuardLimits { ShrinkStepShare = 1, ShrinkMinuteShare = 1, LeastChange = 0 });
        IReadOnlyList<GuardDecision> decisions = unhurried.Decide(host, guests, [.. guests.Select(guest => new BalloonWish(0, ""))]);
        return [.. decisions.Select((decision, i) =>
            Math.Min(guests[i].State.Balloon, Math.Max(decision.Target ?? guests[i].State.Balloon, wishes[i].Kept ?? 0)))];
    }

    private void SetPeriod(HostAdvice advice, bool isMoving)
    {
        bool isNews = _news.IsNews(advice.Guests);
        _quiet = isNews ? 0 : _quiet + 1;
        if (isNews)
            _news.Tell(advice.Guests);
        if (advice.Memory.SomePressure is { } pressure)
            _isPressed = pressure.Last10Seconds >= PressedShare;
        bool isShort = advice.Short > 0 || advice.Guests.Any(guest => guest.IsShort);
        Period = isMoving || _isPressed || isShort ? QuickPeriod : _quiet >= QuietRounds ? SlowPeriod : UsualPeriod;
    }
}
