using Ballast.Balance;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>Balloons that do not follow their target, and balloons that somebody else moves.</summary>
public sealed class GuardFollowingTests : BalloonGuardTest
{
    [Fact]
    public void A_balloon_that_does_not_follow_is_left_alone_for_a_while()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        Now += 15;
        Assert.Null(Decide(Guest(2000, used: 300), 1500).BoundBy);
        Now += 30;
        Assert.Equal((null, GuardRule.NotFollowing), Bound(Decide(Guest(2000, used: 300), 1200)));

        // Should it follow later, not to below what it needs by then.
        Assert.Equal((1600 + 32 + 32, GuardRule.Floor), Bound(Decide(Guest(2000, used: 1600), 1200)));

        // Nor for ever, and it may grow then.
        double end = Now + 300;
        while (Now < end - 10)
        {
            Now += 10;
            Assert.Equal(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 1500).BoundBy);
        }

        Now += 10;
        Assert.Equal((2500, null), Bound(Decide(Guest(2000, used: 300), 2500)));
    }

    [Fact]
    public void A_balloon_that_was_slow_and_follows_after_all_is_no_longer_left_alone()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        Now += 30;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(1990, used: 300), 1500).BoundBy);
        Now += 10;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(1980, used: 300), 1500).BoundBy);
        Now += 10;
        Assert.Null(Decide(Guest(1970, used: 300), 1500).BoundBy);

        // Its guest needs memory now, and need not wait for the end of the pause.
        Now += 10;
        Assert.Equal((2500, null), Bound(Decide(Guest(1500, used: 1400), 2500)));
    }

    [Fact]
    public void A_balloon_that_does_not_grow_keeps_nothing_from_others()
    {
        HostState host = new(5000, 0, 0, 0, 0, 10);
        BalloonWish[] wishes = [new(4000, "needs"), new(2500, "needs")];
        double size = 2000;
        for (Now = 0; Now < 30; Now += 10)
            Assert.NotEqual(GuardRule.NotFollowing, Next()[0].BoundBy);
        Assert.InRange(size, 2200, 2480);
        Assert.Equal((2000, GuardRule.NotFollowing), Bound(Next()[0]));
        Assert.Equal(2500, size);

        IReadOnlyList<GuardDecision> Next()
        {
            IReadOnlyList<GuardDecision> decisions = Guard.Decide(
                host with { Time = Now }, [Guest(2000, used: 1900, name: "deaf"), Guest(size, used: 1900, name: "other")], wishes);
            size = decisions[1].Target ?? size;
            return decisions;
        }
    }

    [Fact]
    public void A_balloon_is_followed_on_its_way_though_its_target_moves()
    {
        for (Now = 0; Now <= 20; Now += 10)
            Assert.NotEqual(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 1500 - (20 * Now)).BoundBy);
        Now = 30;
        Assert.Equal(GuardRule.NotFollowing, Decide(Guest(2000, used: 300), 800).BoundBy);
    }

    [Fact]
    public void Where_somebody_else_moved_the_balloon_the_guest_is_left_alone_for_a_while()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        Now += 10;
        Assert.Null(Decide(Guest(1700, used: 300), 1500).BoundBy);
        Now += 10;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Decide(Guest(2500, used: 300), 1500)));
        Now += 601;
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
            Now += 1;
            Assert.Null(Decide(Guest(size, used: 300), 1500).Target);
            size += each;
        }
        while (size <= 1900 + 16);
        Now += 1;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Decide(Guest(size, used: 300), 1500)));
        Now += 60;
        Assert.Null(Decide(Guest(size + 200, used: 300), 1500).Target);
    }

    [Fact]
    public void A_balloon_that_stops_a_little_beyond_its_target_is_nobody_elses()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300), 1500).Target);
        foreach (double size in (double[])[1800, 1490, 1510, 1490, 1500])
        {
            Now += 1;
            Assert.Null(Decide(Guest(size, used: 300), 1500).BoundBy);
        }

        // From there on, not from where it came from.
        Now += 1;
        Assert.Equal(GuardRule.ForeignTarget, Decide(Guest(1520, used: 300), 1500).BoundBy);
    }

    [Fact]
    public void What_is_only_advised_is_not_waited_for_and_what_was_set_after_all_is_known()
    {
        HostState host = new(1_000_000, 0, 0, 0, 0, 10);
        for (Now = 0; Now <= 100; Now += 10)
            Assert.Equal(1800, Advise(2048, 1800).Target);

        // Somebody follows the advice, and the guard was told.
        Guard.NoteTarget("guest", 1800, Now);
        Guard.NoteTarget("nobody", 1, Now);
        Assert.Equal((null, null), Bound(Advise(1800, 1800)));

        // Somebody does something else.
        Now += 10;
        Assert.Equal((null, GuardRule.ForeignTarget), Bound(Advise(1500, 1800)));

        GuardDecision Advise(double balloon, double wish) =>
            Assert.Single(Guard.Advise(host with { Time = Now }, [Guest(balloon, used: 500)], [new BalloonWish(wish, "A wish.")]));
    }
}
