using Ballast.Balance;
using Ballast.Balance.Policies;

namespace Ballast.Tests.Balance;

/// <summary>What our policy makes of single guests, and what it says about it.</summary>
public sealed class BallastPolicyTests
{
    private const double Maximum = 4096, Minimum = 512, Period = 10;

    private readonly BallastPolicy _policy = new();
    private double _time;

    [Fact]
    public void Shared_memory_is_needed_whatever_is_reported_as_cache()
    {
        GuestReport report = Report(2048, usable: 500);
        BalloonWish few = Decide(3000, Guest("a", 2048, report)).Single();
        BalloonWish many = new BallastPolicy().Decide(Host(3000), [Guest("a", 2048, report with { DiskCaches = 1500 })]).Single();
        Assert.Equal(few, many);
        Assert.Contains("It needs 1608 MiB", few.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_whose_total_stays_gets_what_another_gets()
    {
        GuestReport plain = Report(1024, usable: 300);
        IReadOnlyList<BalloonWish> wishes = Decide(4096, Guest("a", 1024, plain), Guest("b", 1024, plain with { Available = Maximum }));
        Assert.Equal(wishes[0], wishes[1]);
    }

    [Fact]
    public void Who_swapped_out_gets_it_back()
    {
        IReadOnlyList<BalloonWish> first = Decide(4096, Guest("a", 1024, Report(1024, usable: 0)), Guest("b", 1024, Report(1024, usable: 0)));
        double size = first[0].Target!.Value;
        _time += Period;
        GuestReport full = Report(size, usable: 0);
        IReadOnlyList<BalloonWish> then = Decide(4096, Guest("a", size, full with { SwapOut = 300 }), Guest("b", size, full));
        Assert.True(then[0].Target > size && then[0].Target > then[1].Target, $"{size}, {then[0]}, {then[1]}");
        Assert.StartsWith($"It needs {size + 360:F0} MiB", then[0].Reason, StringComparison.Ordinal);
    }

    // It reported once; ten seconds later the host holds so much of it, and its balloon has that size.
    [Theory]
    [InlineData(1000, 2048, 1000, 2048, 0)]
    [InlineData(1000, 2048, 1016, 2048, 0)]
    [InlineData(1000, 2048, 1500, 2048, 500)]
    [InlineData(1000, 2048, 1500, 2548, 0)]
    [InlineData(1000, 2048, 800, 1848, 0)]
    [InlineData(0, 2048, 1500, 2048, 0)]
    [InlineData(1500, 2048, 2000, 2048, 1960)]
    public void What_the_host_came_to_hold_of_a_guest_since_it_reported_may_be_needed(double held, double size, double holds, double now, double grown)
    {
        GuestReport report = Report(size, usable: 1448);
        double before = Decide(8192, Guest("a", size, report) with { Resident = held }).Single().Needed!.Value;
        _time += Period;
        BalloonWish wish = Decide(8192, Guest("a", now, report) with { Resident = holds }).Single();
        Assert.Equal(before + grown, wish.Needed!.Value, 1e-6);

        // As soon as it reports, that counts alone.
        _time += Period;
        Assert.Equal(before, Decide(8192, Guest("a", now, Report(now, usable: now - 600)) with { Resident = holds }).Single().Needed!.Value, 1e-6);
    }

    [Fact]
    public void A_guest_that_is_silent_keeps_what_the_host_holds_of_it()
    {
        GuestReport old = Report(2048, usable: 1900);
        IReadOnlyList<BalloonWish> wishes = Decide(2600, Guest("silent", 2048, old), Guest("b", 600, Report(600, usable: 0)));
        double size = wishes[0].Target!.Value, held = 0.9 * size, other = wishes[1].Target!.Value;
        _time += 100;
        wishes = Decide(
            2600, Guest("silent", size, old) with { Resident = held }, Guest("b", other, Report(other, usable: 0) with { SwapOut = 5000 }));
        Assert.Equal(held, wishes[0].Target!.Value, 1e-6);
        Assert.Equal($"Its last report is 100 s old, and the host holds {held:F0} MiB of it.", wishes[0].Reason);
        Assert.EndsWith("what guests may share does not suffice for that.", wishes[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_is_silent_and_leaves_memory_untouched_has_its_part_of_what_is_left()
    {
        GuestReport old = Report(1024, usable: 900);
        Decide(8192, Guest("silent", 1024, old), Guest("b", 600, Report(600, usable: 300)));
        _time += 100;
        BalloonWish wish = Decide(8192, Guest("silent", 1024, old) with { Resident = 700 }, Guest("b", 600, Report(600, usable: 300)))[0];
        Assert.True(wish.Target > 1.9 * 700, wish.ToString());
        Assert.EndsWith("more is its part of what is left.", wish.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5000, 100)]
    [InlineData(-1, 100)]
    [InlineData(100, double.NaN)]
    public void A_report_that_cannot_be_is_as_good_as_none(double usable, double swapIn)
    {
        GuestReport report = Report(2048, 100) with { Usable = usable, SwapIn = swapIn };
        BalloonWish wish = Decide(900, Guest("a", 2048, report) with { Resident = 900 }).Single();
        Assert.Equal(900, wish.Target!.Value, 1e-6);
        Assert.StartsWith("Its report contradicts itself", wish.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_balloon_that_does_not_follow_counts_with_its_size_and_is_asked_all_the_same()
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 3; round++, _time += Period)
            wishes = Decide(4096, Told(Guest("stuck", 3000, Report(3000, usable: 2800)), wishes, 0), Told(Guest("b", 900, Report(900, usable: 0)), wishes, 1));
        Assert.True(wishes[0].Target < 1000);
        Assert.Equal("Its balloon does not follow, so it counts with 3000 MiB.", wishes[0].Reason);
        Assert.InRange(wishes[1].Target!.Value, 900, 4096 - 3000);
    }

    [Theory]
    [InlineData(20, false)]
    [InlineData(2000, true)]
    public void A_balloon_is_stuck_that_does_not_grow_where_there_is_room(double spare, bool isStuck)
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 4; round++, _time += Period)
            wishes = Decide(4096 + spare, Told(Guest("a", 2048, Report(2048, usable: 0)), wishes, 0), Told(Guest("b", 2048, Report(2048, usable: 0)), wishes, 1));
        Assert.True(wishes[0].Target > 2048);
        Assert.Equal(isStuck, wishes[0].Reason.StartsWith("Its balloon does not follow", StringComparison.Ordinal));
    }

    [Fact]
    public void A_balloon_that_nobody_told_anything_is_not_stuck()
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 4; round++, _time += Period)
            wishes = Decide(8192, Guest("large", 3000, Report(3000, usable: 2800)), Guest("small", 2048, Report(2048, usable: 0)));
        Assert.All(wishes, wish => Assert.StartsWith("It needs", wish.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_guest_needs_is_less_than_what_it_is_better_left()
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 4; round++, _time += Period)
            wishes = Decide(8192, Guest("reads", 2000, Report(2000, usable: 1000) with { MajorFaults = 1000 * round }));
        Assert.Equal(1200, wishes[0].Needed!.Value, 1);
        Assert.InRange(wishes[0].Kept!.Value, 1500, 2600);
    }

    [Fact]
    public void Who_swaps_while_it_claims_free_memory_is_not_believed()
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 4; round++, _time += Period)
        {
            GuestReport liar = Report(1600, usable: 1200) with { SwapIn = 500 * round, SwapOut = 10 };
            wishes = Decide(3000, Guest("liar", 1600, liar), Guest("b", 1000, Report(1000, usable: 200)));
        }

        Assert.True(wishes[0].Target > 1600, $"{wishes[0]}");
        Assert.StartsWith("It swaps while it says that memory is usable", wishes[0].Reason, StringComparison.Ordinal);
    }

    // All of its balloon is touched; a program that ended while it read from its swap makes it say little.
    [Fact]
    public void Who_is_not_believed_counts_with_what_it_used_before_a_program_ended()
    {
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 5; round++, _time += Period)
        {
            GuestReport honest = Report(2500, usable: round < 3 ? 450 : 1900) with { SwapIn = 300 * Math.Min(round, 3), SwapOut = 500 };
            wishes = Decide(5000, Guest("honest", 2500, honest), Guest("b", 2500, Report(2500, usable: 0)));
        }

        // A tenth more than the 2500 MiB that the host held for 2050, of the 600 MiB that it uses now, and some files.
        Assert.InRange(wishes[0].Needed!.Value, 600, (1.1 * 2500 / 2050 * 600) + 200);
    }

    [Fact]
    public void Who_claims_more_than_the_host_holds_of_it_gets_no_more_for_it()
    {
        IReadOnlyList<BalloonWish> wishes = Decide(
            6000, Guest("boaster", 4096, Report(4096, usable: 100)) with { Resident = 800 }, Guest("b", 4096, Report(4096, usable: 3296)));
        Assert.Equal(wishes[0].Target!.Value, wishes[1].Target!.Value, 1e-6);
    }

    private static GuestState Guest(string name, double balloon, GuestReport report) => new()
    {
        Name = name,
        Maximum = Maximum,
        Minimum = Minimum,
        Balloon = balloon,
        LastWish = balloon,
        Resident = balloon,
        Report = report,
    };

    private GuestReport Report(double actual, double usable) => new(_time, actual, actual, 0, usable, usable, 0, 0, 0);

    // Its hypervisor was told what was wished for it.
    private static GuestState Told(GuestState guest, IReadOnlyList<BalloonWish> wishes, int place) =>
        wishes.Count > 0 ? guest with { LastWish = wishes[place].Target!.Value } : guest;

    private IReadOnlyList<BalloonWish> Decide(double budget, params GuestState[] guests) => _policy.Decide(Host(budget), guests);

    private HostState Host(double budget) => new(budget + 332, 300, 32, 1000, _time, Period);
}
