using Ballast.Balance;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>
/// A hypervisor that does with balloons what comes to its mind, guests that say what comes to theirs, and a guard that does not know.
/// </summary>
internal sealed class GuardWorld
{
    private readonly Random _random;
    private readonly IBalloonPolicy? _policy;
    private readonly GuardSubject[] _guests;
    private HostState _host;
    private double _now;
    private int _failures;

    // The share of rule 1's margins that fits.
    private double _margins;

    /// <param name="seed">Which of the worlds.</param>
    /// <param name="policy">Whose wishes are guarded; null for wishes that come to somebody's mind.</param>
    public GuardWorld(int seed, IBalloonPolicy? policy = null)
    {
        (_random, _policy) = (new Random(seed), policy);
        _guests = [.. Enumerable.Range(0, _random.Next(1, 8)).Select(i => new GuardSubject(_random, i, isOdd: policy is null))];
        double most = _guests.Sum(guest => guest.Maximum);
        _host = new HostState((_random.NextDouble() * most * 1.3) + 64, 32, 32, 0, 0, 10);
    }

    public GuardLimits Limits { get; } = new();

    /// <summary>One decision, checked against each rule by what the world knows.</summary>
    public void Step(BalloonGuard guard)
    {
        _now += Elapsed();
        _host = ChangedHost();
        foreach (GuardSubject guest in _guests)
            guest.Live(_random, _now);
        if (guard.HasStopped && _random.Next(4) == 0)
        {
            guard.Resume();
            _failures = 0;
        }

        bool hadStopped = guard.HasStopped;
        Assert.Equal(_failures >= Limits.MostFailures, hadStopped);
        GuardSubject[] guests = [.. _guests.Where(guest => !guest.IsAway)];
        GuardedGuest[] seen = [.. guests.Select(guest => guest.Look())];
        double before = guests.Sum(guest => guest.Due);
        HostState host = _host with { Time = _now, Free = _random.NextDouble() * _host.Memory };
        double known = _host.Memory - _host.Overhead - _host.Reserve, budget = double.IsNaN(known) ? 0 : known;
        bool isExceeded = guests.Sum(guest => guest.IsKnown ? guest.Balloon : 0) > known;
        _margins = Margins(guests, seen, known, hadStopped);
        if (_random.Next(4) == 0 && IsFollowed(guard.Advise(host, seen, Wishes(host, guests, seen)), guard, guests, seen, hadStopped, isExceeded))
        {
            Assert.InRange(guests.Sum(guest => guest.Due), 0, Above(Math.Max(budget, before)));
            return;
        }

        IReadOnlyList<GuardDecision> decisions = guard.Decide(host, seen, Wishes(host, guests, seen));
        for (int i = 0; i < decisions.Count; i++)
            Check(guests[i], seen[i], decisions[i], hadStopped, isExceeded);
        double[] floors = [.. guests.Select((guest, i) => Math.Min(guest.Balloon, Least(guest, seen[i], _margins)))];
        for (int i = 0; i < decisions.Count; i++)
        {
            if (decisions[i].Target is { } target)
                guests[i].Tell(target);
            if (!hadStopped)
                CheckWay(guests[i], floors[i]);
        }

        Assert.InRange(guests.Sum(guest => guest.Due), 0, Above(Math.Max(budget, before)));
        if (_random.Next(3) == 0)
            NoteChange(guard, isDone: false);
        else if (_random.Next(4) == 0)
            NoteChange(guard, isDone: true);
    }

    // It may be looked at twice at the same moment, and a host may have slept for years.
    private double Elapsed() => _random.Next(40) switch
    {
        0 => 0,
        1 => _random.NextDouble(),
        2 => Math.Pow(10, _random.Next(2, 9)),
        _ => _random.Next(1, 25),
    };

    // A limit is changed, other programs need more, or nobody knows what there is any more.
    private HostState ChangedHost()
    {
        if (_policy is not null || _random.Next(12) != 0)
            return double.IsFinite(_host.Memory) ? _host : _host with { Memory = 1024 };
        double size = _random.NextDouble() * _guests.Sum(guest => guest.Maximum);
        return _random.Next(5) switch
        {
            0 => _host with { Memory = GuardSubject.Strange(_random) },
            1 => _host with { Overhead = size / 4 },
            _ => _host with { Memory = 1.3 * size, Overhead = 32 },
        };
    }

    /// <summary>What is only advised changes nothing, is bound by the same rules, and may be done by hand.</summary>
    private bool IsFollowed(IReadOnlyList<GuardDecision> advice, BalloonGuard guard, GuardSubject[] guests, GuardedGuest[] seen, bool hadStopped, bool isExceeded)
    {
        for (int i = 0; i < advice.Count; i++)
            Check(guests[i], seen[i], advice[i], hadStopped, isExceeded);
        if (_random.Next(2) == 0)
            return false;
        for (int i = 0; i < advice.Count; i++)
        {
            if (advice[i].Target is not { } target)
                continue;
            guard.NoteTarget(seen[i].State.Name, target, _now);
            guests[i].Tell(target);
        }

        return true;
    }

    private static double Above(double size) => size + 1e-6 + (1e-12 * Math.Abs(size));

    private static double Below(double size) => size - 1e-6 - (1e-12 * Math.Abs(size));

    private void NoteChange(BalloonGuard guard, bool isDone)
    {
        guard.NoteChange(isDone);
        if (_failures < Limits.MostFailures)
            _failures = isDone ? 0 : _failures + 1;
    }

    private IReadOnlyList<BalloonWish> Wishes(HostState host, GuardSubject[] guests, GuardedGuest[] seen) =>
        _policy?.Decide(host, [.. seen.Select(guest => guest.State)]) ?? [.. guests.Select(guest => new BalloonWish(Wish(guest), "random"))];

    private double? Wish(GuardSubject guest) => _random.Next(13) switch
    {
        0 => null,
        1 => double.NaN,
        2 => -1,
        3 => guest.Maximum * 10,
        5 => GuardSubject.Strange(_random),
        4 => guest.Balloon,
        _ => _random.NextDouble() * guest.Maximum * 1.1,
    };

    private void Check(GuardSubject guest, GuardedGuest seen, GuardDecision decision, bool hadStopped, bool isExceeded)
    {
        Assert.NotEqual("", decision.Reason);
        if (decision.Target is not { } target)
            return;

        Assert.False(hadStopped);
        Assert.True(guest.IsKnown, "A guest of which nobody knows how large it is was given a target.");
        Assert.InRange(target, 0, Math.Max(guest.Maximum, guest.Balloon));
        if (target < guest.Balloon)
            Assert.InRange(target, Below(Math.Min(guest.Balloon, Least(guest, seen, _margins))), guest.Balloon);

        double[] lastMinute = [.. guest.History.Where(past => past.Time >= _now - 60).Select(past => past.Balloon), guest.Balloon];
        double minute = isExceeded ? double.MinValue : lastMinute.Max() - (Limits.ShrinkMinuteShare * guest.Maximum);
        Assert.InRange(
            target,
            Below(Math.Min(guest.Balloon, Math.Max(guest.Balloon - (Limits.ShrinkStepShare * guest.Maximum), minute))),
            Above(Math.Max(guest.Balloon, Math.Min(guest.Balloon + (Limits.GrowStepShare * guest.Maximum), lastMinute.Min() + (Limits.GrowMinuteShare * guest.Maximum)))));
        if (seen.Obstacle != GuestObstacle.None)
        {
            bool isStopped = seen.Obstacle is GuestObstacle.Migrating or GuestObstacle.FixedMemory && decision.BoundBy == GuardRule.Floor
                && (target > guest.Target || !guest.IsTargetOurs) && target <= guest.Balloon;
            Assert.True(isStopped || (seen.WasReset && target >= guest.Balloon && seen.Obstacle != GuestObstacle.FixedMemory), $"A guest that is not ready was given {decision}.");
            return;
        }

        if (guest.ReturnsNothing)
        {
            Assert.True(target >= guest.Balloon, $"A guest that gives nothing back was given {decision}.");
        }
        else if (guest.IsNotFollowing)
        {
            Assert.True(decision.BoundBy == GuardRule.Floor || (decision.BoundBy == GuardRule.NotFollowing && target == guest.Balloon), $"A guest that does not follow was given {decision}.");
        }

        // Only a rule above may do something about a guest that somebody else moved: it protects its floor, or gives it memory back.
        else if (guest.IsSomebodyElses)
            Assert.True(target < guest.Balloon ? decision.BoundBy == GuardRule.Floor : decision.BoundBy is not (null or GuardRule.UncertainNumbers), $"A guest that somebody else moved was given {decision}.");
    }

    // Whatever was decided: what was told before may still come true.
    private static void CheckWay(GuardSubject guest, double least)
    {
        bool isBound = guest.IsTargetOurs && guest.IsKnown && guest.CanBeStopped;
        if (isBound && guest.Target < guest.Balloon)
            Assert.InRange(guest.Target, Below(least), guest.Balloon);
        if (isBound && guest.IsReady && guest.ReturnsNothing)
            Assert.InRange(guest.Target, guest.Balloon, double.MaxValue);
    }

    // Where they do not fit beside what guests use, and that fits, all margins are smaller by the same share. Who is not asked for memory has all it has.
    private double Margins(GuardSubject[] guests, GuardedGuest[] seen, double budget, bool hadStopped)
    {
        double[] bare = [.. guests.Select((guest, i) => Keeps(guest, seen[i], 0))], full = [.. guests.Select((guest, i) => Keeps(guest, seen[i], 1))];
        double margins = full.Sum() - bare.Sum(), room = budget - bare.Sum();
        return double.IsNaN(budget) || room >= margins || room < 0 ? 1 : room / margins;

        double Keeps(GuardSubject guest, GuardedGuest at, double share) =>
            !guest.IsKnown ? 0
            : hadStopped || !guest.IsReady || guest.ReturnsNothing || guest.IsNotFollowing || guest.IsSomebodyElses ? guest.Balloon
            : Math.Min(Least(guest, at, share), Math.Max(guest.Maximum, guest.Balloon));
    }

    /// <summary>How far it may be shrunk by rules 1 and 2, with such a share of the margins.</summary>
    private double Least(GuardSubject guest, GuardedGuest seen, double margins)
    {
        double least = Math.Max(guest.Minimum, Floor(guest, seen, margins));
        if (!seen.IsCertain || !Tells(seen))
            least = Math.Max(least, seen.IsResidentCertain ? seen.State.Resident : guest.Balloon);
        return least;
    }

    // Who claims more than the host holds of it may lose that only by a little at a time, and only while it reports.
    private double Floor(GuardSubject guest, GuardedGuest seen, double margins)
    {
        if (!Tells(seen))
            return 0;
        double used = seen.Used ?? 0, claimed = WithMargin(used), held = WithMargin(seen.State.Resident);
        bool isTested = seen.IsResidentCertain && seen.CountsSwapping && seen.State.Resident < used && seen.State.Report is not null && guest.Heard is not null && !guest.IsBelieved;
        double step = guest.Heard?.Time > guest.ToldAt ? Limits.ClaimStep : 0;
        return isTested ? Math.Max(held, Math.Min(claimed, guest.Balloon - step)) : claimed;

        double WithMargin(double size) =>
            size + (margins * (seen.DeflatesOnOom ? 1 : Limits.FloorFactorWithoutDeflate) * ((size * Limits.FloorShare) + Limits.FloorMargin));
    }

    // What is no size says nothing.
    private static bool Tells(GuardedGuest seen) => seen.Used is >= 0 and < double.PositiveInfinity;
}
