using Ballast.Balance;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Guests.Scenarios;

namespace Ballast.Tests.Balance;

public sealed class BalloonGuardTests
{
    private const double Maximum = 4096;

    private readonly BalloonGuard _guard = new();
    private double _now;

    [Fact]
    public void No_history_breaks_a_rule()
    {
        const int worlds = 2000, steps = 60;
        for (int seed = 0; seed < worlds; seed++)
        {
            GuardWorld world = new(seed);
            BalloonGuard guard = new();
            for (int step = 0; step < steps; step++)
                world.Step(guard);
        }
    }

    [Fact]
    [Trait("speed", "long")]
    public void No_history_of_hundreds_of_thousands_breaks_a_rule()
    {
        for (int seed = 2_000_000; seed < 2_300_000; seed++)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            GuardWorld world = new(seed);
            BalloonGuard guard = new();
            for (int step = 0; step < 60; step++)
                world.Step(guard);
        }
    }

    [Fact]
    public void A_wish_that_harms_nobody_is_met()
    {
        GuardDecision decision = Decide(Guest(2048, used: 500), 1800);
        Assert.Equal((1800, null), (decision.Target, decision.BoundBy));
        decision = Decide(Guest(1800, used: 500), 2500);
        Assert.Equal((2500, null), (decision.Target, decision.BoundBy));
    }

    [Theory]
    [InlineData(true, 1000 + 20 + 32)]
    [InlineData(false, 1000 + 40 + 64)]
    public void A_guest_keeps_what_it_uses_and_a_margin(bool deflates, double floor)
    {
        GuardDecision decision = Decide(Guest(2000, used: 1000) with { DeflatesOnOom = deflates }, 600);
        Assert.Equal((floor, GuardRule.Floor), (decision.Target, decision.BoundBy));
    }

    // Two guests that use 1000 MiB each, with margins of 104 and 52 MiB. Where not even what they use fits, margins stay whole.
    [Theory]
    [InlineData(3000, 1)]
    [InlineData(2156, 1)]
    [InlineData(2078, 0.5)]
    [InlineData(2000, 0)]
    [InlineData(1000, 1)]
    public void Margins_that_do_not_fit_beside_what_guests_use_are_smaller_for_all_by_the_same_share(double budget, double share)
    {
        GuardedGuest[] guests = [Guest(1200, used: 1000, name: "one") with { DeflatesOnOom = false }, Guest(1200, used: 1000, name: "other")];
        IReadOnlyList<GuardDecision> decisions = _guard.Decide(new(budget, 0, 0, 0, 0, 10), guests, [new(500, ""), new(500, "")]);
        Assert.Equal([1000 + (share * 104), 1000 + (share * 52)], decisions.Select(decision => decision.Target!.Value));
        Assert.All(decisions, decision => Assert.Equal(GuardRule.Floor, decision.BoundBy));
    }

    [Fact]
    public void Who_is_left_alone_counts_with_its_size_where_margins_are_to_fit()
    {
        GuardedGuest[] guests = [Guest(1200, used: 1000, name: "one"), Guest(3000, used: 1000, name: "paused") with { Obstacle = GuestObstacle.Paused }];
        IReadOnlyList<GuardDecision> decisions = _guard.Decide(new(4052, 0, 0, 0, 0, 10), guests, [new(500, ""), new(500, "")]);
        Assert.Equal(1000 + 52, decisions[0].Target);
    }

    [Fact]
    public void Who_claims_more_than_the_host_holds_loses_it_by_a_little_at_each_report()
    {
        // 1000 MiB of 3000 that it claims.
        GuardDecision decision = Decide(Claimant(4000), 500);
        Assert.Equal((3060 + 32, GuardRule.Floor), (decision.Target, decision.BoundBy));
        Assert.Null(Decide(Claimant(3092), 500).Target);
        _now += 10;
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
        for (double size = 3060; size > 1052; size -= 32)
        {
            _now += 10;
            Assert.Equal(Math.Max(1052, size - 32), Decide(Claimant(size), 500).Target);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 6)]
    public void Who_swaps_or_reads_again_needs_what_it_claims(double swapped, double faults)
    {
        Assert.Equal(3092, Decide(Claimant(3500), 500).Target);
        _now += 10;
        GuardedGuest hurt = Claimant(3092);
        hurt = hurt with { State = hurt.State with { Report = hurt.State.Report! with { SwapOut = swapped, MajorFaults = faults } } };
        Assert.Equal((null, GuardRule.Floor), Bound(Decide(hurt, 500)));
        _now += 10;
        Assert.Equal((null, GuardRule.Floor), Bound(Decide(Claimant(3092), 500)));
        _now += 1800;
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
    }

    [Fact]
    public void Who_does_not_count_what_it_swaps_keeps_what_it_claims()
    {
        for (; _now < 100; _now += 10)
            Assert.Null(Decide(Claimant(3092) with { CountsSwapping = false }, 500).Target);
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
    }

    [Fact]
    public void A_claim_is_tested_further_only_by_a_report_from_after_the_step()
    {
        _now = 10;
        Assert.Equal(3060, Decide(Claimant(3092, age: 5), 500).Target);

        // Newer than the one before, and older than the step.
        _now = 12;
        Assert.Null(Decide(Claimant(3060, age: 4), 500).Target);
        _now = 15;
        Assert.Null(Decide(Claimant(3060, age: 5), 500).Target);
        _now = 16;
        Assert.Equal(3028, Decide(Claimant(3060, age: 5), 500).Target);
    }

    [Fact]
    public void A_guest_below_its_floor_is_not_shrunk_and_its_way_down_is_stopped()
    {
        GuardDecision decision = Decide(Guest(2000, used: 300), 1000);
        Assert.Equal((1000, null), (decision.Target, decision.BoundBy));
        decision = Decide(Guest(1500, used: 1600), 1000);
        Assert.Equal((1500, GuardRule.Floor), (decision.Target, decision.BoundBy));
        Assert.Null(Decide(Guest(1500, used: 1600), 1000).Target);
    }

    [Fact]
    public void On_uncertain_numbers_it_keeps_what_the_host_holds()
    {
        GuardedGuest guest = Guest(2000, used: null, resident: 1700) with { IsCertain = false };
        GuardDecision decision = Decide(guest, 600);
        Assert.Equal((1700, GuardRule.UncertainNumbers), (decision.Target, decision.BoundBy));
        Assert.Equal(2000, Decide(guest with { IsResidentCertain = false }, 600).Target);
    }

    [Fact]
    public void Who_grows_waits_for_what_others_give_back()
    {
        GuardedGuest[] guests = [Guest(3000, used: 500, name: "rich"), Guest(1000, used: 900, name: "poor"), Guest(1000, used: 900, name: "poorer")];
        BalloonWish[] wishes = [new(2500, "gives"), new(1200, "needs"), new(1400, "needs")];
        HostState host = new(5000, 0, 0, 0, 0, 10);
        Assert.Equal([2500, null, null], _guard.Decide(host, guests, wishes).Select(decision => decision.Target));
        guests[0] = Guest(2700, used: 500, name: "rich");

        // 300 MiB are free now, for 200 and 400 that are wanted.
        IReadOnlyList<GuardDecision> next = _guard.Decide(host with { Time = 10 }, guests, wishes);
        Assert.Equal([null, 1100, 1200], next.Select(decision => decision.Target));
        Assert.Equal(GuardRule.Budget, next[1].BoundBy);

        // What was granted is not free any more, though nobody has taken it yet.
        wishes[2] = new BalloonWish(4000, "needs");
        Assert.InRange(
            _guard.Decide(host with { Time = 11 }, guests, wishes).Zip(new double[] { 2700, 1100, 1200 }).Sum(pair => pair.First.Target ?? pair.Second), 0, 5000);
    }

    [Fact]
    public void A_balloon_moves_step_by_step()
    {
        GuardDecision decision = Decide(Guest(4096, used: 300), 500);
        Assert.Equal((3072, GuardRule.Speed), (decision.Target, decision.BoundBy));
        Assert.Equal(2048, Decide(Guest(3072, used: 300), 500).Target);

        // That was as much as a minute has.
        Assert.Null(Decide(Guest(2048, used: 300), 500).Target);
        _now += 61;
        Assert.Equal(1024, Decide(Guest(2048, used: 300), 500).Target);
    }

    [Fact]
    public void While_balloons_exceed_the_budget_only_the_step_is_bounded()
    {
        HostState host = new(2000, 0, 0, 0, 0, 10);
        double size = 4096;
        foreach (double next in (double[])[3072, 2048, 1024])
        {
            Assert.Equal(next, Assert.Single(_guard.Decide(host with { Time = ++_now }, [Guest(size, used: 300)], [new(500, "gives")])).Target);
            size = next;
        }
    }

    [Fact]
    public void A_guest_grows_by_little_and_is_not_shrunk_by_little()
    {
        Assert.Equal(2005, Decide(Guest(2000, used: 300), 2005).Target);
        Assert.Null(Decide(Guest(2005, used: 300), 1995).Target);
        Assert.Null(Decide(Guest(2005, used: 300), 2005.5).Target);
    }

    [Theory]
    [InlineData(GuestObstacle.DriverNotLoaded)]
    [InlineData(GuestObstacle.Booting)]
    [InlineData(GuestObstacle.Prelaunch)]
    [InlineData(GuestObstacle.Paused)]
    [InlineData(GuestObstacle.Migrating)]
    public void Who_is_not_ready_gets_no_target(GuestObstacle obstacle)
    {
        GuardDecision decision = Decide(Guest(2000, used: 300) with { Obstacle = obstacle }, 1000);
        Assert.Equal((null, GuardRule.NotReady), (decision.Target, decision.BoundBy));
        Assert.Equal(1000, Decide(Guest(2000, used: 300), 1000).Target);
    }

    [Theory]
    [InlineData(GuestObstacle.Migrating)]
    [InlineData(GuestObstacle.FixedMemory)]
    public void A_balloon_on_its_way_stops_above_the_floor_though_its_guest_is_not_ready(GuestObstacle obstacle)
    {
        Assert.Equal(3072, Decide(Guest(4096, used: 300), 3000).Target);
        _now += 1;
        GuardDecision decision = Decide(Guest(3900, used: 3500) with { Obstacle = obstacle }, 3000);
        Assert.Equal((3500 + 70 + 32, GuardRule.Floor), Bound(decision));

        // No more is set, as long as that is enough.
        _now += 1;
        Assert.Null(Decide(Guest(3800, used: 3500) with { Obstacle = obstacle }, 3000).Target);
        Assert.Equal(3700, Decide(Guest(3700, used: 3700) with { Obstacle = obstacle }, 3000).Target);
    }

    [Fact]
    public void Who_was_reset_gets_its_memory_for_the_start_and_its_balloon_may_move_meanwhile()
    {
        Assert.Equal(1000, Decide(Guest(2000, used: 300), 1000).Target);
        GuardDecision decision = Decide(Guest(1000, used: null) with { Obstacle = GuestObstacle.Booting, WasReset = true }, 1000);
        Assert.Equal(3048, decision.Target);
        Assert.Null(Decide(Guest(Maximum, used: null) with { Obstacle = GuestObstacle.Booting }, 1000).Target);
        Assert.Equal(GuardRule.Speed, Decide(Guest(3048, used: 300), 1000).BoundBy);
    }

    [Fact]
    public void Where_the_host_gets_nothing_back_the_guest_does()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300, resident: Maximum), 1500).Target);
        _ = Decide(Guest(1500, used: 300, resident: Maximum), 1500);
        _now += 30;
        GuardDecision decision = Decide(Guest(1500, used: 300, resident: Maximum), 1500);
        Assert.Equal(GuardRule.Speed, decision.BoundBy);
        Assert.Equal(1500 + (Maximum / 2), decision.Target);
        _now += 60;
        decision = Decide(Guest(3548, used: 300, resident: Maximum), 1500);
        Assert.Equal((Maximum, GuardRule.NothingReturned), (decision.Target, decision.BoundBy));
        Assert.Contains("locked", decision.Reason, StringComparison.Ordinal);

        // And it is not asked again.
        _now += 3600;
        Assert.Equal((null, GuardRule.NothingReturned), Bound(Decide(Guest(Maximum, used: 300, resident: Maximum), 1500)));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(400)]
    [InlineData(2000)]
    public void What_a_QEMU_needs_itself_is_not_taken_for_memory_that_does_not_come_back(double own)
    {
        double size = Maximum;
        for (; _now < 300; _now += 10)
        {
            GuardDecision decision = Decide(Guest(size, used: 300, resident: size + own), 800);
            Assert.NotEqual(GuardRule.NothingReturned, decision.BoundBy);
            size = decision.Target ?? size;
        }

        Assert.Equal(800, size);
    }

    [Fact]
    public void Where_the_host_gets_nothing_back_the_guest_does_though_targets_move()
    {
        double size = 3000;
        GuardDecision decision = Decide(Guest(size, used: 300, resident: Maximum), size - 20);
        for (; _now < 60 && decision.Target < size; _now += 5)
        {
            size = decision.Target.Value;
            decision = Decide(Guest(size, used: 300, resident: Maximum), size - 20);
        }

        Assert.InRange(_now, 30, 45);
        Assert.True(decision.Target > size, $"{decision}");
        Assert.Contains("locked", decision.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_balloon_that_does_not_follow_is_left_alone_for_a_while()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        _now += 15;
        Assert.Null(Decide(Guest(2000, used: 300), 1500).BoundBy);
        _now += 30;
        Assert.Equal((null, GuardRule.NotFollowing), Bound(Decide(Guest(2000, used: 300), 1200)));

        // Should it follow later, not to below what it needs by then.
        Assert.Equal((1600 + 32 + 32, GuardRule.Floor), Bound(Decide(Guest(2000, used: 1600), 1200)));

        // Nor for ever, and it may grow then.
        double end = _now + 300;
        while (_now < end - 10)
        {
            _now += 10;
            Assert.Equal(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 1500).BoundBy);
        }

        _now += 10;
        Assert.Equal((2500, null), Bound(Decide(Guest(2000, used: 300), 2500)));
    }

    [Fact]
    public void A_balloon_that_was_slow_and_follows_after_all_is_no_longer_left_alone()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        _now += 30;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(1990, used: 300), 1500).BoundBy);
        _now += 10;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(1980, used: 300), 1500).BoundBy);
        _now += 10;
        Assert.Null(Decide(Guest(1970, used: 300), 1500).BoundBy);

        // Its guest needs memory now, and need not wait for the end of the pause.
        _now += 10;
        Assert.Equal((2500, null), Bound(Decide(Guest(1500, used: 1400), 2500)));
    }

    [Fact]
    public void A_balloon_that_does_not_grow_keeps_nothing_from_others()
    {
        HostState host = new(5000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(4000, "needs"), new(2500, "needs")];
        double size = 2000;
        for (_now = 0; _now < 30; _now += 10)
            Assert.NotEqual(GuardRule.NotFollowing, Next()[0].BoundBy);
        Assert.InRange(size, 2200, 2480);
        Assert.Equal((2000, GuardRule.NotFollowing), Bound(Next()[0]));
        Assert.Equal(2500, size);

        IReadOnlyList<GuardDecision> Next()
        {
            IReadOnlyList<GuardDecision> decisions = _guard.Decide(
                host with { Time = _now }, [Guest(2000, used: 1900, name: "deaf"), Guest(size, used: 1900, name: "other")], wishes);
            size = decisions[1].Target ?? size;
            return decisions;
        }
    }

    [Fact]
    public void A_balloon_is_followed_on_its_way_though_its_target_moves()
    {
        for (_now = 0; _now <= 20; _now += 10)
            Assert.NotEqual(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 1500 - (20 * _now)).BoundBy);
        _now = 30;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 800).BoundBy);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(double.NaN)]
    public void Who_does_not_tell_what_it_uses_keeps_what_the_host_holds(double? used)
    {
        GuardedGuest guest = Guest(2000, used, resident: 1600) with { IsCertain = true };
        Assert.Equal((1600, GuardRule.UncertainNumbers), Bound(Decide(guest, 0)));
    }

    [Theory]
    [InlineData(double.NaN, 500)]
    [InlineData(2000, double.NaN)]
    [InlineData(double.PositiveInfinity, 500)]
    public void Who_has_sizes_that_are_not_known_is_left_alone(double balloon, double resident) =>
        Assert.Equal((null, GuardRule.UncertainNumbers), Bound(Decide(Guest(balloon, used: 300, resident), 1000)));

    [Fact]
    public void Where_somebody_else_moved_the_balloon_the_guest_is_left_alone_for_a_while()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        _now += 10;
        Assert.Null(Decide(Guest(1700, used: 300), 1500).BoundBy);
        _now += 10;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Decide(Guest(2500, used: 300), 1500)));
        _now += 601;
        Assert.Equal(1500, Decide(Guest(2500, used: 300), 1500).Target);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(15)]
    public void Somebody_who_moves_the_balloon_by_little_at_each_look_is_seen_and_not_undone(double each)
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        double size = 1900;
        do
        {
            _now += 1;
            Assert.Null(Decide(Guest(size, used: 300), 1500).Target);
            size += each;
        }
        while (size <= 1900 + 16);
        _now += 1;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Decide(Guest(size, used: 300), 1500)));
        _now += 60;
        Assert.Null(Decide(Guest(size + 200, used: 300), 1500).Target);
    }

    [Fact]
    public void A_balloon_that_stops_a_little_beyond_its_target_is_nobody_elses()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        foreach (double size in (double[])[1800, 1490, 1510, 1490, 1500])
        {
            _now += 1;
            Assert.Null(Decide(Guest(size, used: 300), 1500).BoundBy);
        }

        // From there on, not from where it came from.
        _now += 1;
        Assert.Equal(GuardRule.ForeignTarget, Decide(Guest(1520, used: 300), 1500).BoundBy);
    }

    [Fact]
    public void Of_whom_no_size_is_known_nobody_grows()
    {
        GuardedGuest unknown = Guest(double.NaN, used: 300, name: "unknown"), other = Guest(1000, used: 900, name: "other");
        HostState host = new(1_000_000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(500, "gives"), new(2000, "needs")];
        GuardedGuest none = unknown with { State = unknown.State with { Maximum = double.NaN } };
        Assert.Equal([null, null], _guard.Decide(host, [none, other], wishes).Select(decision => decision.Target));
        Assert.Equal([null, 2000], _guard.Decide(host with { Time = 1 }, [unknown, other], wishes).Select(decision => decision.Target));
    }

    [Fact]
    public void Of_whom_the_size_is_not_known_may_have_all_though_it_was_told_to_shrink()
    {
        HostState host = new(5000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(3000, "gives"), new(4000, "needs")];
        Assert.Equal(3000, _guard.Decide(host, [Guest(4000, used: 300, name: "one"), Guest(900, used: 800, name: "other")], wishes)[0].Target);
        IReadOnlyList<GuardDecision> next = _guard.Decide(host with { Time = 1 }, [Guest(double.NaN, used: 300, name: "one"), Guest(900, used: 800, name: "other")], wishes);
        Assert.InRange(next[1].Target ?? 900, 900, 5000 - 4000);
    }

    [Fact]
    public void After_failures_in_a_row_it_stops_until_somebody_looks()
    {
        for (int i = 0; i < 4; i++)
            _guard.NoteChange(isDone: false);
        _guard.NoteChange(isDone: true);
        for (int i = 0; i < 4; i++)
            _guard.NoteChange(isDone: false);
        Assert.NotNull(Decide(Guest(2000, used: 300), 1500).Target);
        _guard.NoteChange(isDone: false);
        Assert.True(_guard.HasStopped);
        _guard.NoteChange(isDone: true);
        Assert.Equal((null, GuardRule.Failures), Bound(Decide(Guest(2000, used: 300), 1000)));
        _guard.Resume();
        Assert.NotNull(Decide(Guest(2000, used: 300), 1000).Target);
    }

    [Fact]
    public void Ten_thousand_guests_are_decided_about_with_little_memory()
    {
        const double most = 100e6;
        GuestFleet fleet = new(10_000);
        BallastPolicy policy = new();
        for (int round = 0; round < 3; round++)
        {
            (HostState host, GuardedGuest[] guests) = fleet.Next();
            GuestState[] states = [.. guests.Select(guest => guest.State)];
            long before = GC.GetAllocatedBytesForCurrentThread();
            IReadOnlyList<BalloonWish> wishes = policy.Decide(host, states);
            IReadOnlyList<GuardDecision> decisions = _guard.Decide(host, guests, wishes);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
            Assert.Equal(guests.Length, decisions.Count);
            fleet.Follow(wishes, decisions);
        }
    }

    [Fact]
    public void What_is_only_advised_is_not_waited_for_and_what_was_set_after_all_is_known()
    {
        HostState host = new(1_000_000, 0, 0, 0, 0, 10);
        for (_now = 0; _now <= 100; _now += 10)
            Assert.Equal(1800, Advise(2048, 1800).Target);

        // Somebody follows the advice, and the guard was told.
        _guard.NoteTarget("guest", 1800, _now);
        _guard.NoteTarget("nobody", 1, _now);
        Assert.Equal((null, null), Bound(Advise(1800, 1800)));

        // Somebody does something else.
        _now += 10;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Advise(1500, 1800)));

        GuardDecision Advise(double balloon, double wish) =>
            Assert.Single(_guard.Advise(host with { Time = _now }, [Guest(balloon, used: 500)], [new BalloonWish(wish, "A wish.")]));
    }

    [Fact]
    public void Fixed_memory_is_not_asked_for()
    {
        GuardDecision decision = Decide(Guest(2048, used: 500) with { Obstacle = GuestObstacle.FixedMemory }, 1000);
        Assert.Equal((null, GuardRule.NothingReturned), Bound(decision));
    }

    private static (double? Target, GuardRule? Rule) Bound(GuardDecision decision) => (decision.Target, decision.BoundBy);

    private static GuardedGuest Guest(double balloon, double? used, double resident = 500, string name = "guest") => new()
    {
        State = new GuestState
        {
            Name = name,
            Maximum = Maximum,
            Minimum = 256,
            Balloon = balloon,
            LastWish = balloon,
            Resident = resident,
            Report = null,
        },
        IsCertain = used is not null,
        Used = used,
        DeflatesOnOom = true,
    };

    private GuardedGuest Claimant(double balloon, double age = 0)
    {
        GuardedGuest guest = Guest(balloon, used: 3000, resident: 1000);
        return guest with { State = guest.State with { Report = new GuestReport(_now - age, balloon, balloon, 0, balloon - 3000, 0, 0, 0, 0) } };
    }

    private GuardDecision Decide(GuardedGuest guest, double wish) =>
        Assert.Single(_guard.Decide(new HostState(1_000_000, 0, 0, 0, _now, 10), [guest], [new BalloonWish(wish, "A wish.")]));
}
