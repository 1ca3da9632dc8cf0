using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>Guests whose balloon cannot or need not move: what keeps it, and where the host gets nothing back.</summary>
public sealed class GuardNotReadyTests : BalloonGuardTest
{
    [Theory]
    [InlineData(GuestObstacle.NoBalloonDevice)]
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
        Now += 1;
        GuardDecision decision = Decide(Guest(3900, used: 3500) with { Obstacle = obstacle }, 3000);
        Assert.Equal((3500 + 70 + 32, GuardRule.Floor), Bound(decision));

        // No more is set, as long as that is enough.
        Now += 1;
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
    public void Fixed_memory_is_not_asked_for()
    {
        GuardDecision decision = Decide(Guest(2048, used: 500) with { Obstacle = GuestObstacle.FixedMemory }, 1000);
        Assert.Equal((null, GuardRule.NothingReturned), Bound(decision));
    }

    [Fact]
    public void Where_the_host_gets_nothing_back_the_guest_does()
    {
        Assert.Equal(1500, Decide(Guest(2000, used: 300, resident: Maximum), 1500).Target);
        _ = Decide(Guest(1500, used: 300, resident: Maximum), 1500);
        Now += 30;
        GuardDecision decision = Decide(Guest(1500, used: 300, resident: Maximum), 1500);
        Assert.Equal((1500 + (Maximum / 2), GuardRule.NothingReturned), (decision.Target, decision.BoundBy));
        Assert.EndsWith("It grows step by step.", decision.Reason, StringComparison.Ordinal);
        Now += 60;
        decision = Decide(Guest(3548, used: 300, resident: Maximum), 1500);
        Assert.Equal((Maximum, GuardRule.NothingReturned), (decision.Target, decision.BoundBy));
        Assert.Contains("locked", decision.Reason, StringComparison.Ordinal);

        // And it is not asked again.
        Now += 3600;
        Assert.Equal((null, GuardRule.NothingReturned), Bound(Decide(Guest(Maximum, used: 300, resident: Maximum), 1500)));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(400)]
    [InlineData(2000)]
    public void What_a_QEMU_needs_itself_is_not_taken_for_memory_that_does_not_come_back(double own)
    {
        double size = Maximum;
        for (; Now < 300; Now += 10)
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
        for (; Now < 60 && decision.Target < size; Now += 5)
        {
            size = decision.Target.Value;
            decision = Decide(Guest(size, used: 300, resident: Maximum), size - 20);
        }

        Assert.InRange(Now, 30, 45);
        Assert.True(decision.Target > size, $"{decision}");
        Assert.Contains("locked", decision.Reason, StringComparison.Ordinal);
    }
}
