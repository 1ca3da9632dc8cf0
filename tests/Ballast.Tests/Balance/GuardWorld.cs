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
    private readonly Subject[] _guests;
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
        _guests = [.. Enumerable.Range(0, _random.Next(1, 8)).Select(i => new Subject(_random, i, isOdd: policy is null))];
        double most = _guests.Sum(guest => guest.Maximum);
        _host = new HostState((_random.NextDouble() * most * 1.3) + 64, 32, 32, 0, 0, 10);
    }

    public GuardLimits Limits { get; } = new();

    /// <summary>One decision, checked against each rule by what the world knows.</summary>
    public void Step(BalloonGuard guard)
    {
        _now += Elapsed();
        _host = ChangedHost();
        foreach (Subject guest in _guests)
            guest.Live(_random, _now);
        if (guard.HasStopped && _random.Next(4) == 0)
        {
            guard.Resume();
            _failures = 0;
        }

        bool hadStopped = guard.HasStopped;
        Assert.Equal(_failures >= Limits.MostFailures, hadStopped);
        Subject[] guests = [.. _guests.Where(guest => !guest.IsAway)];
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
            0 => _host with { Memory = Subject.Strange(_random) },
            1 => _host with { Overhead = size / 4 },
            _ => _host with { Memory = 1.3 * size, Overhead = 32 },
        };
    }

    /// <summary>What is only advised changes nothing, is bound by the same rules, and may be done by hand.</summary>
    private bool IsFollowed(IReadOnlyList<GuardDecision> advice, BalloonGuard guard, Subject[] guests, GuardedGuest[] seen, bool hadStopped, bool isExceeded)
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

    private IReadOnlyList<BalloonWish> Wishes(HostState host, Subject[] guests, GuardedGuest[] seen) =>
        _policy?.Decide(host, [.. seen.Select(guest => guest.State)]) ?? [.. guests.Select(guest => new BalloonWish(Wish(guest), "random"))];

    private double? Wish(Subject guest) => _random.Next(13) switch
    {
        0 => null,
        1 => double.NaN,
        2 => -1,
        3 => guest.Maximum * 10,
        5 => Subject.Strange(_random),
        4 => guest.Balloon,
        _ => _random.NextDouble() * guest.Maximum * 1.1,
    };

    private void Check(Subject guest, GuardedGuest seen, GuardDecision decision, bool hadStopped, bool isExceeded)
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
    private static void CheckWay(Subject guest, double least)
    {
        bool isBound = guest.IsTargetOurs && guest.IsKnown && guest.CanBeStopped;
        if (isBound && guest.Target < guest.Balloon)
            Assert.InRange(guest.Target, Below(least), guest.Balloon);
        if (isBound && guest.IsReady && guest.ReturnsNothing)
            Assert.InRange(guest.Target, guest.Balloon, double.MaxValue);
    }

    // Where they do not fit beside what guests use, and that fits, all margins are smaller by the same share. Who is not asked for memory has all it has.
    private double Margins(Subject[] guests, GuardedGuest[] seen, double budget, bool hadStopped)
    {
        double[] bare = [.. guests.Select((guest, i) => Keeps(guest, seen[i], 0))], full = [.. guests.Select((guest, i) => Keeps(guest, seen[i], 1))];
        double margins = full.Sum() - bare.Sum(), room = budget - bare.Sum();
        return double.IsNaN(budget) || room >= margins || room < 0 ? 1 : room / margins;

        double Keeps(Subject guest, GuardedGuest at, double share) =>
            !guest.IsKnown ? 0
            : hadStopped || !guest.IsReady || guest.ReturnsNothing || guest.IsNotFollowing || guest.IsSomebodyElses ? guest.Balloon
            : Math.Min(Least(guest, at, share), Math.Max(guest.Maximum, guest.Balloon));
    }

    /// <summary>How far it may be shrunk by rules 1 and 2, with such a share of the margins.</summary>
    private double Least(Subject guest, GuardedGuest seen, double margins)
    {
        double least = Math.Max(guest.Minimum, Floor(guest, seen, margins));
        if (!seen.IsCertain || !Tells(seen))
            least = Math.Max(least, seen.IsResidentCertain ? seen.State.Resident : guest.Balloon);
        return least;
    }

    // Who claims more than the host holds of it may lose that only by a little at a time, and only while it reports.
    private double Floor(Subject guest, GuardedGuest seen, double margins)
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

    private sealed class Subject
    {
        private static readonly GuardLimits Limits = new();

        private readonly string _name;
        private readonly bool _deflates, _isDeaf, _isLocked, _isOdd, _counts;
        private GuestObstacle _obstacle;
        private bool _claimsNonsense, _wasReset, _isCertain = true, _tells = true, _isResidentCertain = true, _creeps;
        private int _strange;
        private double _used, _nonsense, _noSize, _resident, _believedUntil, _now, _foreignUntil, _notFollowingUntil, _pulledFrom, _pulledSince, _stuckAt;
        private int _pull;
        private double? _told, _before, _heldSince;
        private (double Balloon, double Resident)? _whole;
        private GuestReport? _report;

        // One that is odd may vanish, and have sizes that nobody knows and limits that are crossed.
        public Subject(Random random, int number, bool isOdd)
        {
            _name = $"g{number}";
            Maximum = isOdd && random.Next(20) == 0 ? Math.Pow(10, random.Next(5, 14)) : random.Next(64, 8192);
            Minimum = random.NextDouble() * Maximum;
            Balloon = Target = (random.NextDouble() * (Maximum - Minimum)) + Minimum;
            if (isOdd && random.Next(20) == 0)
                Minimum = 1.2 * Maximum;
            (_deflates, _isDeaf, _isLocked) = (random.Next(2) == 0, random.Next(6) == 0, random.Next(6) == 0);
            (_isOdd, _counts) = (isOdd, random.Next(6) != 0);
            _used = random.NextDouble() * Maximum;
            Forget();
        }

        public double Maximum { get; private set; }

        public double Minimum { get; private set; }

        public double Balloon { get; private set; }

        public double Target { get; private set; }

        /// <summary>Whether the guard set that, and nobody since.</summary>
        public bool IsTargetOurs { get; private set; }

        /// <summary>What it has or was granted; what others told its balloon nobody knows until it moves.</summary>
        public double Due => IsTargetOurs ? Math.Max(Balloon, Target) : Balloon;

        public bool IsAway { get; private set; }

        /// <summary>Whether its sizes are known.</summary>
        public bool IsKnown => _strange == 0;

        public bool IsReady => _obstacle == GuestObstacle.None;

        /// <summary>Its balloon moves, and may be told to stop.</summary>
        public bool CanBeStopped => _obstacle is GuestObstacle.None or GuestObstacle.Migrating or GuestObstacle.FixedMemory;

        /// <summary>Somebody else moved its balloon not long ago, and it showed.</summary>
        public bool IsSomebodyElses => _now < _foreignUntil;

        public bool IsNotFollowing => _now < _notFollowingUntil;

        public bool ReturnsNothing { get; private set; }

        /// <summary>It swapped or read files again not long ago.</summary>
        public bool IsBelieved => _now < _believedUntil;

        /// <summary>The last report that counts.</summary>
        public GuestReport? Heard { get; private set; }

        /// <summary>When it was given a target last.</summary>
        public double ToldAt { get; private set; }

        public List<(double Time, double Balloon)> History { get; } = [];

        public void Live(Random random, double now)
        {
            bool wasAway = IsAway;
            IsAway = _isOdd && random.Next(wasAway ? 3 : 60) == 0;
            if (IsAway)
                return;
            if (wasAway)
            {
                // Another one, under its name.
                Forget();
                Balloon = Target = random.NextDouble() * Maximum;
            }

            _wasReset = random.Next(30) == 0;
            _obstacle = _wasReset ? GuestObstacle.Booting : random.Next(6) == 0 ? (GuestObstacle)random.Next(7) : GuestObstacle.None;
            _strange = _isOdd && random.Next(25) == 0 ? random.Next(1, 16) : 0;
            _noSize = NoSize(random);
            Plug(random);
            Move(random);
            _used = Math.Clamp(_used + ((random.NextDouble() - 0.5) * Maximum * 0.4), 0, Maximum);
            (_isCertain, _tells) = (random.Next(4) != 0, random.Next(10) != 0);
            _claimsNonsense = _isOdd && random.Next(20) == 0;
            _nonsense = Strange(random);
            _resident = _isLocked ? Maximum : random.NextDouble() * (_isOdd && random.Next(20) == 0 ? 1e12 : Balloon);
            _isResidentCertain = random.Next(5) != 0;
            _now = now;
            if (IsKnown)
            {
                History.Add((now, Balloon));
                SeeOthers();
                SeeFollowing();
                SeeReturn();
            }

            Report(random, now);
        }

        /// <summary>It is given a target.</summary>
        public void Tell(double target)
        {
            (Target, IsTargetOurs, _creeps) = (target, true, false);
            (_told, ToldAt) = (target, _now);
            if (target > Balloon)
                _whole = null;
            else if (_isResidentCertain)
                _whole ??= (Balloon, _resident);
            if (IsReady)
                _ = IsStuck(target);
        }

        // Memory is plugged in or out, and the balloon may be larger than what is left.
        private void Plug(Random random)
        {
            if (random.Next(80) != 0 || !IsKnown)
                return;
            Maximum = random.Next(64, 8192);
            Minimum = Math.Min(Minimum, Maximum);
        }

        // Others send it somewhere at once, or by little at a time; perhaps to where it cannot be.
        private void Move(Random random)
        {
            if (_creeps)
                Balloon += IsKnown ? Math.Clamp(Target - Balloon, -8, 8) : 0;
            else if (!_isDeaf)
                Balloon += (Target - Balloon) * random.NextDouble();
            if (random.Next(25) == 0)
                (Balloon, IsTargetOurs, _creeps) = (Target = random.NextDouble() * Maximum * (IsKnown && random.Next(4) == 0 ? 2 : 1), false, false);
            else if (random.Next(40) == 0)
                (Target, IsTargetOurs, _creeps) = (random.NextDouble() * Maximum, false, true);
        }

        private void Forget()
        {
            (_told, _before, _heldSince, _report, Heard, ReturnsNothing, _pull) = (null, null, null, null, null, false, 0);
            (_believedUntil, _foreignUntil, _notFollowingUntil, ToldAt) = (double.MinValue, double.MinValue, double.MinValue, double.MinValue);
            (IsTargetOurs, _creeps, _whole) = (false, false, null);
            History.Clear();
        }

        // Where it was nowhere between where it was by our doing and its target, others were at work; not so in a system that starts.
        private void SeeOthers()
        {
            if (!IsReady)
            {
                _before = null;
                return;
            }

            double last = _before ?? Balloon, aim = _told ?? last, ours = Math.Clamp(Balloon, Math.Min(last, aim), Math.Max(last, aim));
            if (_before is not null && Math.Abs(Balloon - ours) > Limits.LeastChange)
                (_foreignUntil, _told, ours) = (_now + Limits.ForeignPause, null, Balloon);
            _before = ours;
        }

        private void SeeFollowing()
        {
            if (IsNotFollowing && _told is { } aim && (_stuckAt - Balloon) * Math.Sign(_stuckAt - aim) >= Limits.LeastChange)
                _notFollowingUntil = double.MinValue;
            if (_told is not { } told || !IsReady || IsNotFollowing)
                _pull = 0;
            else if (IsStuck(told))
                (_notFollowingUntil, _stuckAt, _pull) = (_now + Limits.NotFollowingPause, Balloon, 0);
        }

        private bool IsStuck(double told)
        {
            int pull = Math.Abs(told - Balloon) <= Limits.LeastChange ? 0 : Math.Sign(told - Balloon);
            if (pull != _pull || (Balloon - _pulledFrom) * pull >= Limits.LeastChange)
                (_pull, _pulledFrom, _pulledSince) = (pull, Balloon, _now);
            return pull != 0 && _now - _pulledSince >= Limits.FollowSeconds;
        }

        private void SeeReturn()
        {
            if (_told is null || Balloon > _whole?.Balloon)
                _whole = null;
            bool isHeld = _told < Maximum - Limits.LeastChange && Math.Abs(Balloon - _told.Value) <= Limits.LeastChange && _isResidentCertain
                && _resident - Balloon > (Limits.NothingReturnedShare * Maximum) + Limits.NothingReturnedMargin && HasKept();
            _heldSince = isHeld ? _heldSince ?? _now : null;
            ReturnsNothing |= _now - _heldSince >= Limits.FollowSeconds;
        }

        // Of what the balloon took, the host has most, too.
        private bool HasKept()
        {
            if (_whole is not { } whole)
                return false;
            double taken = Math.Min(whole.Balloon, whole.Resident) - Balloon;
            return taken >= Limits.LeastChange && whole.Resident - _resident < Limits.ReturnedShare * taken;
        }

        // Silent at times, a liar at others; numbers jump, are none, or lie in the past, and counters begin anew.
        private void Report(Random random, double now)
        {
            GuestReport? before = Heard;
            bool isSilent = random.Next(3) == 0;
            _report = isSilent ? _report : random.Next(12) == 0 ? null : new GuestReport(
                random.Next(20) == 0 ? Strange(random) : now - (random.Next(4) * 10), Size(random), Size(random), Size(random), Size(random),
                Size(random), Counter(random, before?.SwapIn), Counter(random, before?.SwapOut), Counter(random, before?.MajorFaults));

            // Of whom the sizes are not known, nothing is looked at.
            if (!IsKnown)
                return;
            if (_report is not { } report || !double.IsFinite(report.Time) || report.Time <= before?.Time)
                return;
            if (before is not null && IsHurt(before, report))
                _believedUntil = now + Limits.BelievedSeconds;
            Heard = report;
        }

        // It swaps or reads files again; what is no number may be either.
        private static bool IsHurt(GuestReport before, GuestReport report) =>
            !(report.SwapOut <= before.SwapOut) || !(report.SwapIn <= before.SwapIn)
            || !(report.MajorFaults - before.MajorFaults <= Limits.QuietFaults * (report.Time - before.Time));

        private double Size(Random random) => random.Next(10) switch
        {
            0 => Strange(random),
            1 or 2 => random.NextDouble() * Maximum,
            3 => 0,
            _ => Math.Max(0, Balloon - (random.NextDouble() * _used)),
        };

        private static double Counter(Random random, double? before) => random.Next(12) switch
        {
            0 => Strange(random),
            1 => 0,
            2 => (before ?? 0) + (random.NextDouble() * 5000),
            _ => before ?? 0,
        };

        private static double NoSize(Random random) => random.Next(4) switch
        {
            0 => double.PositiveInfinity,
            1 => double.NegativeInfinity,
            2 => -1 - (random.NextDouble() * 1e4),
            _ => double.NaN,
        };

        public static double Strange(Random random) => random.Next(6) switch
        {
            0 => double.NaN,
            1 => double.PositiveInfinity,
            2 => double.MaxValue,
            3 => -1,
            4 => 1e12,
            _ => double.NegativeInfinity,
        };

        public GuardedGuest Look() => new()
        {
            State = new GuestState
            {
                Name = _name,
                Maximum = Known(1, Maximum),
                Minimum = Known(2, Minimum),
                Balloon = Known(4, Balloon),
                LastWish = Target,
                Resident = Known(8, _resident),
                Report = _report,
            },
            IsCertain = _isCertain,
            Used = !_isCertain || !_tells ? null : _claimsNonsense ? _nonsense : _used,
            DeflatesOnOom = _deflates,
            IsResidentCertain = _isResidentCertain,
            CountsSwapping = _counts,
            Obstacle = _obstacle,
            WasReset = _wasReset,
        };

        private double Known(int size, double value) => (_strange & size) == 0 ? value : _noSize;
    }
}
