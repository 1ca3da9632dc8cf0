using Ballast.Balance;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Guests.Scenarios;

namespace Ballast.Tests.Balance;

/// <summary>A guard's decisions about many guests, and how far a balloon may go in one step.</summary>
public sealed class BalloonGuardTests : BalloonGuardTest
{
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

    [Fact]
    public void Who_grows_waits_for_what_others_give_back()
    {
        GuardedGuest[] guests = [Guest(3000, used: 500, name: "rich"), Guest(1000, used: 900, name: "poor"), Guest(1000, used: 900, name: "poorer")];
        BalloonWish[] wishes = [new(2500, "gives"), new(1200, "needs"), new(1400, "needs")];
        HostState host = new(5000, 0, 0, 0, 0, 10);
        Assert.Equal([2500, null, null], Guard.Decide(host, guests, wishes).Select(decision => decision.Target));
        guests[0] = Guest(2700, used: 500, name: "rich");

        // 300 MiB are free now, for 200 and 400 that are wanted.
        IReadOnlyList<GuardDecision> next = Guard.Decide(host with { Time = 10 }, guests, wishes);
        Assert.Equal([null, 1100, 1200], next.Select(decision => decision.Target));
        Assert.Equal(GuardRule.Budget, next[1].BoundBy);

        // What was granted is not free any more, though nobody has taken it yet.
        wishes[2] = new BalloonWish(4000, "needs");
        Assert.InRange(
            Guard.Decide(host with { Time = 11 }, guests, wishes).Zip(new double[] { 2700, 1100, 1200 }).Sum(pair => pair.First.Target ?? pair.Second), 0, 5000);
    }

    [Fact]
    public void A_balloon_moves_step_by_step()
    {
        GuardDecision decision = Decide(Guest(4096, used: 300), 500);
        Assert.Equal((3072, GuardRule.Speed), (decision.Target, decision.BoundBy));
        Assert.Equal(2048, Decide(Guest(3072, used: 300), 500).Target);
        Assert.Equal(1024, Decide(Guest(2048, used: 300), 500).Target);

        // That was as much as a minute has.
        Assert.Null(Decide(Guest(1024, used: 300), 500).Target);
        Now += 61;
        Assert.Equal(500, Decide(Guest(1024, used: 300), 500).Target);
    }

    [Theory]
    [InlineData(1020, true)]
    [InlineData(1030, false)]
    public void A_little_is_worth_a_change_where_balloons_exceed_the_budget(double budget, bool isChanged)
    {
        HostState host = new(budget, 0, 0, 0, 0, 10);
        Assert.Equal(isChanged ? 1015.0 : null, DecideOnce().Target);

        // It is told once.
        Assert.Null(DecideOnce().Target);

        GuardDecision DecideOnce() => Assert.Single(Guard.Decide(host with { Time = ++Now }, [Guest(1024, used: 300)], [new(1015, "gives")]));
    }

    [Fact]
    public void While_balloons_exceed_the_budget_only_the_step_is_bounded()
    {
        HostState host = new(2000, 0, 0, 0, 0, 10);
        double size = 4096;
        foreach (double next in (double[])[3072, 2048, 1024])
        {
            Assert.Equal(next, Assert.Single(Guard.Decide(host with { Time = ++Now }, [Guest(size, used: 300)], [new(500, "gives")])).Target);
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
    [InlineData(double.NaN, 500)]
    [InlineData(2000, double.NaN)]
    [InlineData(double.PositiveInfinity, 500)]
    public void Who_has_sizes_that_are_not_known_is_left_alone(double balloon, double resident) =>
        Assert.Equal((null, GuardRule.UncertainNumbers), Bound(Decide(Guest(balloon, used: 300, resident), 1000)));

    [Fact]
    public void Of_whom_no_size_is_known_nobody_grows()
    {
        GuardedGuest unknown = Guest(double.NaN, used: 300, name: "unknown"), other = Guest(1000, used: 900, name: "other");
        HostState host = new(1_000_000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(500, "gives"), new(2000, "needs")];
        GuardedGuest none = unknown with { State = unknown.State with { Maximum = double.NaN } };
        Assert.Equal([null, null], Guard.Decide(host, [none, other], wishes).Select(decision => decision.Target));
        Assert.Equal([null, 2000], Guard.Decide(host with { Time = 1 }, [unknown, other], wishes).Select(decision => decision.Target));
    }

    [Fact]
    public void Of_whom_the_size_is_not_known_may_have_all_though_it_was_told_to_shrink()
    {
        HostState host = new(5000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(3000, "gives"), new(4000, "needs")];
        Assert.Equal(3000, Guard.Decide(host, [Guest(4000, used: 300, name: "one"), Guest(900, used: 800, name: "other")], wishes)[0].Target);
        IReadOnlyList<GuardDecision> next = Guard.Decide(host with { Time = 1 }, [Guest(double.NaN, used: 300, name: "one"), Guest(900, used: 800, name: "other")], wishes);
        Assert.InRange(next[1].Target ?? 900, 900, 5000 - 4000);
    }

    [Fact]
    public void After_failures_in_a_row_it_stops_until_somebody_looks()
    {
        for (int i = 0; i < 4; i++)
            Guard.NoteChange(isDone: false);
        Guard.NoteChange(isDone: true);
        for (int i = 0; i < 4; i++)
            Guard.NoteChange(isDone: false);
        Assert.NotNull(Decide(Guest(2000, used: 300), 1500).Target);
        Guard.NoteChange(isDone: false);
        Assert.True(Guard.HasStopped);
        Guard.NoteChange(isDone: true);
        Assert.Equal((null, GuardRule.Failures), Bound(Decide(Guest(2000, used: 300), 1000)));
        Guard.Resume();
        Assert.NotNull(Decide(Guest(2000, used: 300), 1000).Target);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_guests_are_decided_about_with_little_memory(bool isShort)
    {
        const double most = 100e6;
        const int GuestCount = 10_000;
        int lacking = 0;
        GuestFleet fleet = new(GuestCount, isShort);
        BallastPolicy policy = new();
        for (int round = 0; round < 3; round++)
        {
            (HostState host, GuardedGuest[] guests) = fleet.Next();
            GuestState[] states = [.. guests.Select(guest => guest.State)];
            long before = GC.GetAllocatedBytesForCurrentThread();
            IReadOnlyList<BalloonWish> wishes = policy.Decide(host, states);
            IReadOnlyList<GuardDecision> decisions = Guard.Decide(host, guests, wishes);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
            Assert.Equal(guests.Length, decisions.Count);
            fleet.Follow(wishes, decisions);
            lacking = wishes.Count(wish => wish.Reason.Contains("does not suffice", StringComparison.Ordinal));
        }

        // At first all balloons are too large, and need what is in them.
        Assert.Equal(isShort, lacking > GuestCount / 2);
    }
}
