using Ballast.Balance;
using Ballast.Balance.Policies;
using CsCheck;

namespace Ballast.Tests.Balance;

/// <summary>Whatever guests report, wishes stay within their bounds and the budget.</summary>
public sealed class BallastPolicyPropertyTests
{
    // Sizes that are usual, and such as no guest has.
    private static readonly Gen<double> Size = Gen.OneOf(
        Gen.Double[0, 16_384], Gen.Double[0, 1], Gen.OneOf(0.0, 256, 4096, 1e12, double.MaxValue, double.PositiveInfinity));

    private static readonly Gen<double> Counter = Gen.OneOf(Gen.Double[0, 1e6], Gen.OneOf(0.0, 1e18, double.MaxValue));

    private static readonly Gen<double> Age = Gen.OneOf(Gen.Double[0, 40], Gen.OneOf(0.0, -50, 1e15));

    private static readonly Gen<GuestState> Guest =
        from maximum in Gen.OneOf(Gen.Double[0, 16_384], Gen.OneOf(0.0, 1024, 4096))
        from minimum in Gen.Double[0, 1]
        from isFixed in Gen.Bool
        from balloon in Gen.Double[0, 1.2]
        from resident in Gen.OneOf(Gen.Double[0, 1.2], Gen.OneOf(0.0, 1, 1e9))
        from report in Report.Null()
        select new GuestState
        {
            Name = "",
            Maximum = maximum,
            Minimum = isFixed ? maximum : minimum * maximum,
            Balloon = balloon * maximum,
            LastWish = balloon * maximum,
            Resident = resident * maximum,
            Report = report,
        };

    private static readonly Gen<List<List<GuestState>>> Histories =
        from count in Gen.Frequency((1, Gen.Const(0)), (8, Gen.Int[1, 8]), (1, Gen.Const(1000)))
        from rounds in Guest.List[count, count].List[1, count > 100 ? 2 : 12]
        select rounds;

    private static Gen<GuestReport> Report =>
        from age in Age
        from sizes in Size.Array[5]
        from counters in Counter.Array[3]
        from isLikely in Gen.Bool
        select isLikely
            ? new GuestReport(-age, 4096, 4096, sizes[0] % 4096, sizes[1] % 4096, sizes[2] % 4096, counters[0] % 1e6, counters[1] % 1e6, counters[2] % 1e6)
            : new GuestReport(-age, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], counters[0], counters[1], counters[2]);

    [Fact]
    public void Wishes_are_finite_and_within_the_bounds_of_guest_and_budget() =>
        Gen.Select(Histories, Gen.Double[-100, 60_000], Gen.OneOf(2.0, 10, 30), Gen.Double[0, 1]).Sample(
            (history, budget, period, free) =>
            {
                BallastPolicy policy = new();
                for (int round = 0; round < history.Count; round++)
                {
                    double time = (round + 1) * period;
                    GuestState[] guests = [.. history[round].Select((guest, i) => At(time, guest, i))];
                    HostState host = new(budget + 432, 400, 32, free * Math.Max(0, budget), time, period);
                    IReadOnlyList<BalloonWish> wishes = policy.Decide(host, guests);
                    Assert.Equal(guests.Length, wishes.Count);
                    Assert.All(wishes.Zip(guests), pair =>
                    {
                        Assert.InRange(pair.First.Target!.Value, pair.Second.Minimum - Tolerance(budget), pair.Second.Maximum + Tolerance(budget));
                        Assert.EndsWith(".", pair.First.Reason, StringComparison.Ordinal);
                        Assert.DoesNotContain("NaN", pair.First.Reason, StringComparison.Ordinal);
                    });
                    if (guests.Sum(guest => guest.Minimum) <= budget)
                        Assert.InRange(wishes.Sum(wish => wish.Target!.Value), 0, budget + Tolerance(budget));
                }
            },
            iter: 500, threads: 1);

    [Fact]
    public void What_it_has_no_right_to_know_changes_nothing() =>
        Histories.Sample(
            history =>
            {
                BallastPolicy one = new(), other = new();
                for (int round = 0; round < history.Count; round++)
                {
                    double time = (round + 1) * 10;
                    HostState host = new(16_384, 400, 32, 100, time, 10);
                    GuestState[] guests = [.. history[round].Select((guest, i) => At(time, guest, i))];
                    Assert.Equal(one.Decide(host, guests), other.Decide(host, [.. guests.Select(guest => guest with { Swapped = 1e4 })]));
                }
            },
            iter: 100, threads: 1);

    private static GuestState At(double time, GuestState guest, int place) => guest with
    {
        Name = $"g{place}",
        Report = guest.Report is { } report ? report with { Time = time + report.Time } : null,
    };

    private static double Tolerance(double budget) => 1e-9 * (1 + Math.Abs(budget));
}
