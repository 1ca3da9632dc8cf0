using Ballast.Balance;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>A guest of a <see cref="GuardWorld"/>, which says and does what comes to its mind, and what is known of it by what it lived through.</summary>
internal sealed class GuardSubject
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
    public GuardSubject(Random random, int number, bool isOdd)
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
        _obstacle = _wasReset ? GuestObstacle.Booting : random.Next(6) == 0 ? (GuestObstacle)random.Next(Enum.GetValues<GuestObstacle>().Length) : GuestObstacle.None;
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
