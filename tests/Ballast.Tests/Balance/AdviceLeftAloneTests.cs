using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Guests that advice leaves alone: which ones, what is said of it, and whose hand moved a balloon.</summary>
public sealed class AdviceLeftAloneTests
{
    public static TheoryData<string, string> LeftAlone => new()
    {
        { "paused", "It is paused." },
        { "without a driver", "Its balloon driver is not loaded." },
        { "booting", "It was started a moment ago and has not reported yet." },
        { "reset", "It was reset and has not reported since." },
        { "stale", "Its last report is old, so it is unknown what it needs now." },
        { "lying", "Its numbers contradict each other (usable above available)." },
        { "polling off", "Collection is off, so it does not report (polling off)." },
        { "locked", "Its memory is locked: its balloon would give the host nothing back." },
        { "passed through", "Its memory is pinned for a passed-through device: its balloon would give the host nothing back." },
        { "huge pages", "Its memory is in huge pages of hugetlbfs: its balloon would give the host nothing back." },
        { "migrating", "It moves to another host." },
        { "incomplete", "Its report is incomplete, so it is unknown what it uses." },
        { "silent monitor", "It is unknown what it needs now (monitor hung)." },
        { "unknown size", "It is unknown what it needs now (monitor hung)." },
    };

    [Theory]
    [MemberData(nameof(LeftAlone))]
    public void Who_cannot_be_advised_about_is_named_and_left_alone(string what, string reason)
    {
        AdviceGuest whole = new("odd-one");
        AdviceGuest odd = what switch
        {
            "paused" => whole with { IsRunning = false },
            "without a driver" => whole with { HasDriver = false },
            "booting" => whole with { With = Never, Process = whole.Process with { RunTime = TimeSpan.FromSeconds(5) } },
            "reset" => whole with { With = facts => facts with { IsFromBeforeReset = true }, Balloon = 1020 },
            "stale" => whole with { ReportedAt = 0 },
            "lying" => whole with { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Usable), new(MemoryStatTag.Usable, 9999999)] } },
            "polling off" => whole with { With = facts => facts with { PeriodSeconds = 0 } },
            "locked" => whole with { Process = whole.Process with { LockedKiB = 1024 * KiB } },
            "passed through" => whole with { Process = whole.Process with { PinnedKiB = 1024 * KiB } },
            "huge pages" => whole with { Process = whole.Process with { HugePagesKiB = 1024 * KiB }, Resident = 60 },
            "migrating" => whole with { IsRunning = false, With = facts => facts with { PauseCause = PauseCause.Migrating } },
            "incomplete" => whole with { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Available)] } },
            "unknown size" => whole with { Balloon = null, Maximum = null, With = Hung },
            _ => whole with { With = Hung },
        };

        // Somebody else is short.
        AdviceGuest needy = new("needy") { Used = 1020, Unused = 2, Maximum = 2048 };
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2048 * KiB));
        advisor.Learn(See(90, odd, needy), 90);
        GuestAdvice advice = Assert.Single(advisor.Advise(See(100, odd, needy), 100).Guests, one => one.Guest.Domain.Name == "odd-one");
        Assert.Equal((AdviceKind.Leave, reason), (advice.Kind, advice.Reason));
        Assert.Equal((null, 0.0, 0.0), (advice.Target, advice.Gain, advice.PossibleGain));

        static MemoryStatsFacts Never(MemoryStatsFacts facts) => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag == MemoryStatTag.ActualBalloon)] };
        static MemoryStatsFacts Hung(MemoryStatsFacts facts) => facts with { Obstacle = MemoryStatsReason.MonitorHung };
    }

    [Fact]
    public void A_balloon_that_somebody_else_moves_is_left_alone_and_that_is_said()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Target);
        HostAdvice advice = advisor.Advise(See(20, guest with { Balloon = 500, Resident = 500 }), 20);
        Assert.Equal((AdviceKind.Leave, GuardRule.ForeignTarget), (Assert.Single(advice.Guests).Kind, advice.Guests[0].BoundBy));
        Assert.Equal((false, "Somebody else, or the guest itself, moved its balloon from 1024 MiB to 500 MiB, where 768 MiB was advised."),
            (Assert.Single(advice.Outcomes).IsFollowed, advice.Outcomes[0].Text));
    }

    [Fact]
    public void Who_follows_what_was_told_is_no_stranger_though_something_else_would_be_advised_by_now()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest") { Used = 620, Balloon = 900, Maximum = 900, Resident = 900 };
        advisor.Learn(See(0, guest), 0);
        HostAdvice advice = advisor.Consider(See(10, guest), 10);
        double told = Assert.Single(advice.Guests).Target!.Value;
        advisor.Tell(advice.Guests);

        // What its use grows by is told nobody, for longer than told advice holds that does not stand any more.
        for (double time = 20; time <= 200; time += 10)
            Assert.InRange(Assert.Single(advisor.Consider(See(time, guest with { Used = 660 }), time).Guests).Target!.Value, told + 20, 900);
        advice = advisor.Consider(See(210, guest with { Used = 660, Balloon = (ulong)told, Resident = (ulong)told }), 210);
        Assert.Equal((true, $"Its balloon went from 900 MiB to {told} MiB, as advised. The host holds {900 - told} MiB less of it."), (Assert.Single(advice.Outcomes).IsFollowed, advice.Outcomes[0].Text));
        Assert.NotEqual(AdviceKind.Leave, Assert.Single(advice.Guests).Kind);
    }

    [Fact]
    public void Who_was_told_nothing_of_a_guest_follows_no_advice()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Consider(See(10, guest), 10).Guests).Target);
        HostAdvice advice = advisor.Consider(See(20, guest with { Balloon = 768, Resident = 768 }), 20);
        Assert.Equal((AdviceKind.Leave, GuardRule.ForeignTarget), (Assert.Single(advice.Guests).Kind, advice.Guests[0].BoundBy));
        Assert.Empty(advice.Outcomes);
    }

    [Fact]
    public void Advice_that_nobody_follows_does_not_make_a_balloon_one_that_does_not_move()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1800 * KiB));
        AdviceGuest idle = new("idle"), busy = new("busy-one") { Used = 1000, Maximum = 2048 };
        for (double time = 0; time <= 300; time += 10)
        {
            HostAdvice advice = advisor.Advise(See(time, idle, busy), time);
            Assert.Contains(advice.Guests, one => one is { Kind: AdviceKind.Take, Guest.Domain.Name: "idle" });
            Assert.DoesNotContain(advice.Guests, one => one.Reason.Contains("does not follow", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Who_follows_in_part_is_not_called_disobedient()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Target);
        guest = guest with { Balloon = 900, Resident = 900 };
        for (double time = 20; time <= 200; time += 10)
            Assert.NotEqual(AdviceKind.Leave, Assert.Single(advisor.Advise(See(time, guest), time).Guests).Kind);

        // Nor when nobody looks again before the advice is old.
        _ = advisor.Advise(See(210, guest with { Balloon = 850, Resident = 850 }), 210);
        for (double time = 340; time <= 600; time += 20)
            Assert.NotEqual(AdviceKind.Leave, Assert.Single(advisor.Advise(See(time, guest with { Balloon = 850, Resident = 850 }), time).Guests).Kind);
    }
}
