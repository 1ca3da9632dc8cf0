using Ballast.Balance;
using Ballast.Balance.Guards;

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
    public void A_wish_that_harms_nobody_is_met()
    {
        GuardDecision decision = Decide(Guest(2048, used: 500), 1800);
        Assert.Equal((1800, null), (decision.Target, decision.BoundBy));
        decision = Decide(Guest(1800, used: 500), 2500);
        Assert.Equal((2500, null), (decision.Target, decision.BoundBy));
    }

    [Theory]
    [InlineData(true, 1000 + 100 + 64)]
    [InlineData(false, 1000 + 200 + 128)]
    public void A_guest_keeps_what_it_uses_and_a_margin(bool deflates, double floor)
    {
        GuardDecision decision = Decide(Guest(2000, used: 1000) with { DeflatesOnOom = deflates }, 600);
        Assert.Equal((floor, GuardRule.Floor), (decision.Target, decision.BoundBy));
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

    [Fact]
    public void A_balloon_that_does_not_follow_is_left_alone_for_a_while()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        _now += 15;
        Assert.Null(Decide(Guest(2000, used: 300), 1500).BoundBy);
        _now += 30;
        Assert.Equal((null, GuardRule.NotFollowing), Bound(Decide(Guest(2000, used: 300), 1200)));

        // Should it follow later, not to below what it needs by then.
        Assert.Equal((1600 + 160 + 64, GuardRule.Floor), Bound(Decide(Guest(2000, used: 1600), 1200)));

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
    public void Ten_thousand_guests_are_decided_about_in_one_round()
    {
        GuardedGuest[] guests = [.. Enumerable.Range(0, 10_000).Select(i => Guest(2000, used: 300, name: $"g{i}"))];
        IReadOnlyList<GuardDecision> decisions = _guard.Decide(
            new HostState(30_000_000, 0, 0, 0, 0, 10), guests, [.. guests.Select((_, i) => new BalloonWish(i % 2 == 0 ? 1500 : 2500, "random"))]);
        Assert.Equal(5000, decisions.Count(decision => decision.Target == 1500));
        Assert.Equal(5000, decisions.Count(decision => decision.Target == 2500));
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

    private GuardDecision Decide(GuardedGuest guest, double wish) =>
        Assert.Single(_guard.Decide(new HostState(1_000_000, 0, 0, 0, _now, 10), [guest], [new BalloonWish(wish, "A wish.")]));
}
