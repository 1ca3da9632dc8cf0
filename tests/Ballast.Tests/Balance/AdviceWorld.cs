using Ballast.Balance.Advice;

namespace Ballast.Tests.Balance;

/// <summary>
/// A host and guests of which anything may be told at any look, as a hypervisor, a daemon or a guest may: nothing, zero, numbers as
/// large as they can be written, counters that begin anew, reports from the past and the future. Some advice is followed.
/// </summary>
internal sealed class AdviceWorld
{
    private const ulong MiB = 1024;

    private readonly Random _random;
    private readonly BudgetSetting _budget;
    private readonly AdviceGuest[] _guests;
    private double _now;

    public AdviceWorld(int seed)
    {
        _random = new Random(seed);
        _budget = _random.Next(3) switch
        {
            0 => new BudgetSetting(SizeKiB: (ulong)_random.Next(1, 8192) * MiB),
            1 => new BudgetSetting(ControlGroup: "vms"),
            _ => default,
        };
        Advisor = new Advisor(_random.Next(4) == 0 ? "preferred" : "ballast", _budget);
        _guests = [.. Enumerable.Range(1, _random.Next(1, 6)).Select(i => new AdviceGuest(new string('g', i)) { Maximum = (ulong)_random.Next(64, 4096) })];
    }

    public Advisor Advisor { get; }

    /// <summary>One look; null where nobody can advise.</summary>
    public HostAdvice? Look(out SeenHost seen)
    {
        _now += _random.Next(20) switch
        {
            0 => 0,
            1 => 1e6,
            _ => _random.Next(1, 20),
        };
        for (int i = 0; i < _guests.Length; i++)
            _guests[i] = Lived(_guests[i]);
        seen = new SeenHost(Host(), [.. _guests.Where(_ => _random.Next(30) != 0).Select(guest => Odd(guest).See(_now))]);
        try
        {
            return Advisor.Advise(seen, _now);
        }
        catch (BudgetException)
        {
            return null;
        }
    }

    /// <summary>Somebody does what was advised, or something else.</summary>
    public void Follow(HostAdvice advice)
    {
        foreach (GuestAdvice one in advice.Guests)
        {
            int i = Array.FindIndex(_guests, guest => guest.Name == one.Guest.Domain.Name);
            if (one.Target is { } target && _random.Next(2) == 0)
                _guests[i] = _guests[i] with { Balloon = (ulong)target };
            else if (_random.Next(30) == 0)
                _guests[i] = _guests[i] with { Balloon = (ulong)_random.Next(1, 8192) };
        }
    }

    private AdviceGuest Lived(AdviceGuest guest) => guest with
    {
        Used = (ulong)(_random.NextDouble() * 1.1 * (guest.Balloon ?? 0)),
        Unused = (ulong)_random.Next(0, 300),
        Resident = (ulong)_random.Next(0, 5000),
        SwapOut = _random.Next(4) == 0 ? guest.SwapOut + (ulong)_random.Next(500) : guest.SwapOut,
        Faults = _random.Next(4) == 0 ? guest.Faults + (ulong)_random.Next(500) : guest.Faults,
        Maximum = _random.Next(60) == 0 ? (ulong)_random.Next(64, 8192) : guest.Maximum,
    };

    // As it is told this time.
    private AdviceGuest Odd(AdviceGuest guest) => _random.Next(3) != 0 ? guest : guest with
    {
        Balloon = _random.Next(6) == 0 ? Any() : guest.Balloon,
        Maximum = _random.Next(6) == 0 ? Any() : guest.Maximum,
        Resident = _random.Next(4) == 0 ? Any() : guest.Resident,
        SwapOut = _random.Next(6) == 0 ? Any() ?? 0 : guest.SwapOut,
        Faults = _random.Next(6) == 0 ? Any() ?? 0 : guest.Faults,
        ReportedAt = _random.Next(4) == 0 ? _now + _random.Next(-100, 100) : null,
        IsRunning = _random.Next(8) != 0,
        HasDriver = _random.Next(8) != 0,
        With = facts => facts with
        {
            Entries = [.. facts.Entries.Where(_ => _random.Next(8) != 0).Select(entry => _random.Next(8) == 0 ? new(entry.Tag, Any() ?? 0) : entry)],
            Obstacle = _random.Next(10) == 0 ? MemoryStatsReason.MonitorHung : facts.Obstacle,
            PauseCause = _random.Next(10) == 0 ? (PauseCause)_random.Next(8) : facts.PauseCause,
            IsFromBeforeReset = _random.Next(10) == 0,
            PeriodSeconds = _random.Next(8) == 0 ? 0 : facts.PeriodSeconds,
        },
        Process = guest.Process with
        {
            Reason = _random.Next(6) == 0 ? MemoryStatsReason.UnsupportedByDaemon : MemoryStatsReason.Fresh,
            SwappedKiB = Seldom(),
            LockedKiB = Seldom(),
            PinnedKiB = Seldom(),
            HugePagesKiB = Seldom(),
            MergedKiB = Seldom(),
            ReportsFreePages = Maybe(),
            DeflatesOnOom = Maybe(),
            RunTime = _random.Next(4) == 0 ? null : TimeSpan.FromSeconds(_random.Next(1, 1_000_000)),
            GroupPath = _random.Next(3) switch
            {
                0 => null,
                1 => "/elsewhere",
                2 when _random.Next(20) == 0 => "/vms//../one/" + new string('/', 300),
                _ => "/vms/one",
            },
            Group = _random.Next(3) == 0 ? new MemoryGroup(Any(), Any(), Any()) { NearestLimit = Limits() } : null,
        },
    };

    private HostMemory Host() => _random.Next(5) != 0
        ? new HostMemory { TotalKiB = 16384 * MiB, AvailableKiB = 4096 * MiB, SwapTotalKiB = 0, SwapFreeKiB = 0, Group = Group() }
        : new HostMemory
        {
            Reason = _random.Next(2) == 0 ? MemoryStatsReason.UnsupportedByDaemon : MemoryStatsReason.Fresh,
            TotalKiB = Any(),
            FreeKiB = Any(),
            AvailableKiB = Any(),
            SwapTotalKiB = Any(),
            SwapFreeKiB = Any(),
            MergedKiB = Any(),
            SomePressure = new MemoryPressure(_random.NextDouble(), 1, 0, TimeSpan.MaxValue),
            Group = _random.Next(4) == 0 ? null : new MemoryGroup(Any(), Any(), Any()) { UnreclaimableKiB = Any() },
        };

    private static MemoryGroup Group() => new(2048 * MiB, null, 1024 * MiB) { UnreclaimableKiB = 900 * MiB };

    private MemoryGroupLimit? Limits() => _random.Next(3) == 0 ? null : new(_random.Next(-1, 4), Any() ?? 7, Any(), Limits());

    private ulong? Seldom() => _random.Next(4) == 0 ? Any() : 0;

    private bool? Maybe() => _random.Next(3) switch
    {
        0 => null,
        1 => false,
        _ => true,
    };

    private ulong? Any() => _random.Next(8) switch
    {
        0 => null,
        1 => 0,
        2 => ulong.MaxValue,
        3 => 1ul << 63,
        4 => long.MaxValue,
        5 => 1,
        _ => (ulong)_random.Next(1, 1 << 24),
    };
}
