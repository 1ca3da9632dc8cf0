using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>What a guest keeps, whatever is wished.</summary>
public sealed class GuardFloorTests : BalloonGuardTest
{
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
        IReadOnlyList<GuardDecision> decisions = Guard.Decide(new(budget, 0, 0, 0, 0, 10), guests, [new(500, ""), new(500, "")]);
        Assert.Equal([1000 + (share * 104), 1000 + (share * 52)], decisions.Select(decision => decision.Target!.Value));
        Assert.All(decisions, decision => Assert.Equal(GuardRule.Floor, decision.BoundBy));
    }

    [Fact]
    public void Who_is_left_alone_counts_with_its_size_where_margins_are_to_fit()
    {
        GuardedGuest[] guests = [Guest(1200, used: 1000, name: "one"), Guest(3000, used: 1000, name: "paused") with { Obstacle = GuestObstacle.Paused }];
        IReadOnlyList<GuardDecision> decisions = Guard.Decide(new(4052, 0, 0, 0, 0, 10), guests, [new(500, ""), new(500, "")]);
        Assert.Equal(1000 + 52, decisions[0].Target);
    }

    [Fact]
    public void Who_claims_more_than_the_host_holds_loses_it_by_a_little_at_each_report()
    {
        // 1000 MiB of 3000 that it claims.
        GuardDecision decision = Decide(Claimant(4000), 500);
        Assert.Equal((3060 + 32, GuardRule.Floor), (decision.Target, decision.BoundBy));
        Assert.Null(Decide(Claimant(3092), 500).Target);
        Now += 10;
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
        for (double size = 3060; size > 1052; size -= 32)
        {
            Now += 10;
            Assert.Equal(Math.Max(1052, size - 32), Decide(Claimant(size), 500).Target);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 6)]
    public void Who_swaps_or_reads_again_needs_what_it_claims(double swapped, double faults)
    {
        Assert.Equal(3092, Decide(Claimant(3500), 500).Target);
        Now += 10;
        GuardedGuest hurt = Claimant(3092);
        hurt = hurt with { State = hurt.State with { Report = hurt.State.Report! with { SwapOut = swapped, MajorFaults = faults } } };
        Assert.Equal((null, GuardRule.Floor), Bound(Decide(hurt, 500)));
        Now += 10;
        Assert.Equal((null, GuardRule.Floor), Bound(Decide(Claimant(3092), 500)));
        Now += 1800;
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
    }

    [Fact]
    public void Who_does_not_count_what_it_swaps_keeps_what_it_claims()
    {
        for (; Now < 100; Now += 10)
            Assert.Null(Decide(Claimant(3092) with { CountsSwapping = false }, 500).Target);
        Assert.Equal(3060, Decide(Claimant(3092), 500).Target);
    }

    [Fact]
    public void A_claim_is_tested_further_only_by_a_report_from_after_the_step()
    {
        Now = 10;
        Assert.Equal(3060, Decide(Claimant(3092, age: 5), 500).Target);

        // Newer than the one before, and older than the step.
        Now = 12;
        Assert.Null(Decide(Claimant(3060, age: 4), 500).Target);
        Now = 15;
        Assert.Null(Decide(Claimant(3060, age: 5), 500).Target);
        Now = 16;
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

    [Theory]
    [InlineData(null)]
    [InlineData(double.NaN)]
    public void Who_does_not_tell_what_it_uses_keeps_what_the_host_holds(double? used)
    {
        GuardedGuest guest = Guest(2000, used, resident: 1600) with { IsCertain = true };
        Assert.Equal((1600, GuardRule.UncertainNumbers), Bound(Decide(guest, 0)));
    }
}
