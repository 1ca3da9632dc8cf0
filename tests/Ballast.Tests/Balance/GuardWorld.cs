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
    private readonly HostState _host;
    private readonly Subject[] _guests;
    private double _now;

    /// <param name="seed">Which of the worlds.</param>
    /// <param name="policy">Whose wishes are guarded; null for wishes that come to somebody's mind.</param>
    public GuardWorld(int seed, IBalloonPolicy? policy = null)
    {
        (_random, _policy) = (new Random(seed), policy);
        _guests = [.. Enumerable.Range(0, _random.Next(1, 8)).Select(i => new Subject(_random, i))];
        double most = _guests.Sum(guest => guest.Maximum);
        _host = new HostState((_random.NextDouble() * most * 1.3) + 64, 32, 32, 0, 0, 10);
    }

    public GuardLimits Limits { get; } = new();

    /// <summary>One decision, checked against each rule by what the world knows.</summary>
    public void Step(BalloonGuard guard)
    {
        _now += _random.Next(1, 25);
        foreach (Subject guest in _guests)
            guest.Live(_random, _now);
        bool hadStopped = guard.HasStopped;
        GuardedGuest[] seen = [.. _guests.Select(guest => guest.Look())];
        double before = _guests.Sum(guest => Math.Max(guest.Balloon, guest.Target));
        HostState host = _host with { Time = _now, Free = _random.NextDouble() * _host.Memory };
        IReadOnlyList<GuardDecision> decisions = guard.Decide(host, seen, Wishes(host, seen));
        double budget = _host.Memory - _host.Overhead - _host.Reserve;
        bool isExceeded = _guests.Sum(guest => guest.Balloon) > budget;
        for (int i = 0; i < decisions.Count; i++)
            Check(_guests[i], seen[i], decisions[i], hadStopped, isExceeded);
        for (int i = 0; i < decisions.Count; i++)
        {
            if (decisions[i].Target is { } target)
                _guests[i].Tell(target);
        }

        Assert.InRange(_guests.Sum(guest => Math.Max(guest.Balloon, guest.Target)), 0, Math.Max(budget, before) + 1e-6);
        if (_random.Next(40) == 0)
            guard.NoteChange(isDone: false);
        else if (_random.Next(4) == 0)
            guard.NoteChange(isDone: true);
    }

    private IReadOnlyList<BalloonWish> Wishes(HostState host, GuardedGuest[] seen) =>
        _policy?.Decide(host, [.. seen.Select(guest => guest.State)]) ?? [.. _guests.Select(guest => new BalloonWish(Wish(guest), "random"))];

    private double? Wish(Subject guest) => _random.Next(12) switch
    {
        0 => null,
        1 => double.NaN,
        2 => -1,
        3 => guest.Maximum * 10,
        4 => guest.Balloon,
        _ => _random.NextDouble() * guest.Maximum * 1.1,
    };

    private void Check(Subject guest, GuardedGuest seen, GuardDecision decision, bool hadStopped, bool isExceeded)
    {
        Assert.NotEqual("", decision.Reason);
        if (decision.Target is not { } target)
            return;

        Assert.False(hadStopped);
        Assert.InRange(target, 0, Math.Max(guest.Maximum, guest.Balloon));
        if (target < guest.Balloon)
        {
            Assert.InRange(target, Math.Min(guest.Balloon, Math.Max(guest.Minimum, Floor(guest, seen))), guest.Balloon);
            if (!seen.IsCertain || seen.Used is null)
                Assert.InRange(target, seen.IsResidentCertain ? Math.Min(seen.State.Resident, guest.Balloon) : guest.Balloon, guest.Balloon);
        }

        double[] lastMinute = [.. guest.History.Where(past => past.Time >= _now - 60).Select(past => past.Balloon), guest.Balloon];
        double minute = isExceeded ? double.MinValue : lastMinute.Max() - (Limits.ShrinkMinuteShare * guest.Maximum);
        Assert.InRange(
            target,
            Math.Min(guest.Balloon, Math.Max(guest.Balloon - (Limits.ShrinkStepShare * guest.Maximum), minute)) - 1e-6,
            Math.Max(guest.Balloon, Math.Min(guest.Balloon + (Limits.GrowStepShare * guest.Maximum), lastMinute.Min() + (Limits.GrowMinuteShare * guest.Maximum))) + 1e-6);
        if (seen.Obstacle != GuestObstacle.None)
            Assert.True(seen.WasReset && target >= guest.Balloon && seen.Obstacle != GuestObstacle.FixedMemory, "A guest that is not ready was given a target.");

        // Only a rule above may do something about a guest that somebody else moved: it protects its floor, or gives it memory back.
        else if (guest.IsSomebodyElses)
            Assert.True(target < guest.Balloon ? decision.BoundBy == GuardRule.Floor : decision.BoundBy is not (null or GuardRule.UncertainNumbers), $"A guest that somebody else moved was given {decision}.");
    }

    // Who claims more than the host holds of it may lose that only by a little at a time, and only while it reports.
    private double Floor(Subject guest, GuardedGuest seen)
    {
        if (seen.Used is not { } used)
            return 0;
        double claimed = WithMargin(used), held = WithMargin(seen.State.Resident);
        bool isTested = seen.IsResidentCertain && seen.State.Resident < used && seen.State.Report is not null && !guest.IsBelieved;
        return isTested ? Math.Max(held, Math.Min(claimed, guest.Balloon - Limits.ClaimStep)) : claimed;

        double WithMargin(double size) =>
            size + ((seen.DeflatesOnOom ? 1 : Limits.FloorFactorWithoutDeflate) * ((size * Limits.FloorShare) + Limits.FloorMargin));
    }

    private sealed class Subject
    {
        private readonly string _name;
        private readonly bool _deflates, _isDeaf, _isLocked;
        private GuestObstacle _obstacle;
        private bool _wasReset, _isCertain = true, _tells = true, _isResidentCertain = true;
        private double _used, _resident, _believedUntil = double.MinValue, _now;
        private double _foreignUntil = double.MinValue;
        private double? _told, _before;
        private GuestReport? _report, _heard;

        public Subject(Random random, int number)
        {
            _name = $"g{number}";
            Maximum = random.Next(64, 8192);
            Minimum = random.NextDouble() * Maximum;
            Balloon = Target = (random.NextDouble() * (Maximum - Minimum)) + Minimum;
            (_deflates, _isDeaf, _isLocked) = (random.Next(2) == 0, random.Next(6) == 0, random.Next(6) == 0);
            _used = random.NextDouble() * Maximum;
        }

        public double Maximum { get; }

        public double Minimum { get; }

        public double Balloon { get; private set; }

        public double Target { get; private set; }

        /// <summary>Somebody else moved its balloon not long ago, and it showed.</summary>
        public bool IsSomebodyElses => _now < _foreignUntil;

        /// <summary>It swapped not long ago.</summary>
        public bool IsBelieved => _now < _believedUntil;

        public List<(double Time, double Balloon)> History { get; } = [];

        public void Live(Random random, double now)
        {
            _wasReset = random.Next(30) == 0;
            _obstacle = _wasReset ? GuestObstacle.Booting : random.Next(6) == 0 ? (GuestObstacle)random.Next(7) : GuestObstacle.None;
            if (!_isDeaf)
                Balloon += (Target - Balloon) * random.NextDouble();
            if (random.Next(25) == 0)
                Balloon = Target = random.NextDouble() * Maximum;
            History.Add((now, Balloon));
            SeeOthers(now);
            _used = Math.Clamp(_used + ((random.NextDouble() - 0.5) * Maximum * 0.4), 0, Maximum);
            (_isCertain, _tells) = (random.Next(4) != 0, random.Next(10) != 0);
            _resident = _isLocked ? Maximum : random.NextDouble() * Balloon;
            _isResidentCertain = random.Next(5) != 0;
            _now = now;
            Report(random, now);
        }

        /// <summary>It is given a target.</summary>
        public void Tell(double target)
        {
            Target = target;
            _told = target;
        }

        // Where it was nowhere between its last size and its target, others were at work; not so in a system that starts.
        private void SeeOthers(double now)
        {
            double least = new GuardLimits().LeastChange;
            bool canTell = _obstacle == GuestObstacle.None;
            if (canTell && _before is { } before && Math.Abs(Balloon - before) >= least)
            {
                double aim = _told ?? before;
                if (Balloon < Math.Min(before, aim) - least || Balloon > Math.Max(before, aim) + least)
                    (_foreignUntil, _told) = (now + new GuardLimits().ForeignPause, null);
            }

            _before = canTell ? Balloon : null;
        }

        // Silent at times, a liar at others; numbers jump, are none, or lie in the past, and counters begin anew.
        private void Report(Random random, double now)
        {
            if (random.Next(3) == 0)
                return;
            GuestReport? before = _heard;
            _report = random.Next(12) == 0 ? null : new GuestReport(
                random.Next(20) == 0 ? Strange(random) : now - (random.Next(4) * 10), Size(random), Size(random), Size(random), Size(random),
                Size(random), Counter(random, before?.SwapIn), Counter(random, before?.SwapOut), Counter(random, before?.MajorFaults));
            if (_report is not { } report || !double.IsFinite(report.Time) || report.Time <= before?.Time)
                return;
            if (report.SwapOut > before?.SwapOut)
                _believedUntil = now + new GuardLimits().BelievedSeconds;
            _heard = report;
        }

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

        private static double Strange(Random random) => random.Next(6) switch
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
                Maximum = Maximum,
                Minimum = Minimum,
                Balloon = Balloon,
                LastWish = Target,
                Resident = _resident,
                Report = _report,
            },
            IsCertain = _isCertain,
            Used = _isCertain && _tells ? _used : null,
            DeflatesOnOom = _deflates,
            IsResidentCertain = _isResidentCertain,
            Obstacle = _obstacle,
            WasReset = _wasReset,
        };
    }
}
