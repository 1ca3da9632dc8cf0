using Ballast.Balance;
using Ballast.Balance.Policies;

namespace Ballast.Tests.Balance;

/// <summary>Who goes short where our policy has too little for all, and who gets what cannot be taken back.</summary>
public sealed class BallastPolicySharingTests
{
    private const double Maximum = 4096, Minimum = 512, Period = 10;

    private readonly BallastPolicy _policy = new();
    private double _time;

    [Fact]
    public void Where_equals_would_all_lack_much_some_get_all_that_they_need()
    {
        double[] sizes = Sizes(Decide(3200, Full(1000, 4)));
        Assert.Equal(2, sizes.Count(size => size >= 1000));
        Assert.All(sizes, size => Assert.InRange(size, Minimum, Maximum));
        Assert.InRange(sizes.Sum(), 0, 3200);
    }

    [Fact]
    public void Where_equals_would_all_lack_little_they_share_it() =>
        Assert.All(Sizes(Decide(3900, Full(1000, 4))), size => Assert.Equal(975, size, 1e-6));

    [Fact]
    public void Small_guests_get_what_they_need_before_large_ones()
    {
        GuestState[] guests = [Full("large", 3000), Full("small", 700), Full("middle", 1200)];
        double[] sizes = Sizes(Decide(3200, guests));
        Assert.True(sizes[0] < 1500 && sizes[1] >= 700 && sizes[2] >= 1200, string.Join(", ", sizes));
    }

    // It has all that it needs; they lack much. What it keeps would make two of them whole.
    [Fact]
    public void Several_small_guests_are_made_whole_before_a_large_one_that_is()
    {
        double[] sizes = [];
        for (int round = 0; round < 2; round++, _time += Period)
            sizes = Sizes(Decide(3200, [Full("large", 1390), .. Enumerable.Range(0, 3).Select(i => Full($"small{i}", 603, swapped: 397 * round))]));
        Assert.Equal(2, sizes.Skip(1).Count(size => size >= 1000));
    }

    // Both need 2000 MiB, of which one has them, and the other has half in its swap.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_equals_the_one_that_has_it_keeps_it(bool isSecond)
    {
        string[] names = isSecond ? ["has not", "has"] : ["has", "has not"];
        IReadOnlyList<BalloonWish> wishes = [];
        for (int round = 0; round < 2; round++, _time += Period)
            wishes = Decide(3200, [.. names.Select(name => name == "has" ? Full(name, 2000) : Full(name, 1000, swapped: 1000 * round))]);
        Assert.True(wishes[isSecond ? 1 : 0].Target >= 2000, $"{wishes[0]}, {wishes[1]}");
    }

    [Fact]
    public void What_a_silent_guest_could_fill_with_files_is_kept_for_the_peaks_of_others()
    {
        double after = SizeOfSilent(peak: 2500), without = SizeOfSilent(peak: 500);
        Assert.InRange(after, 2000, 5000 - 2300);
        Assert.True(without > after + 300, $"{after}, {without}");
    }

    [Fact]
    public void A_guest_that_never_reported_has_room_for_a_leap_before_the_peaks_of_others()
    {
        BallastPolicy policy = new();
        GuestState quiet = Guest("quiet", 1000, Report(0, 1000, used: 500)) with { Report = null };
        double size = 0;
        for (double time = 0; time <= 100; time += Period)
            size = Sizes(policy.Decide(Host(4400, time), [quiet, Guest("web", 3000, Report(time, 3000, used: time == 0 ? 2900 : 1500))]))[0];
        Assert.InRange(size, 1100, 1900);
    }

    // It needs 300 and 1400 MiB in turns, which is more than a leap from 300.
    [Fact]
    public void A_guest_that_comes_back_to_the_same_peak_is_made_ready_for_that_peak()
    {
        double same = SizeOnceThereIsLeft(_ => 1400), other = SizeOnceThereIsLeft(turn => 1400 - (300 * (turn % 3)));
        Assert.InRange(same, 1200, 1541);
        Assert.True(same > other + 400, $"{same}, {other}");

        double SizeOnceThereIsLeft(Func<int, double> peak)
        {
            BallastPolicy policy = new();
            double[] sizes = [];
            for (int round = 0; round < 14; round++)
            {
                GuestReport report = Report(round * Period, 2000, used: round % 2 == 0 ? peak(round / 2) : 300);
                sizes = Sizes(policy.Decide(Host(3600, round * Period), [Guest("pulse", 2000, report), Guest("other", 2000, Report(round * Period, 2000, used: 1500))]));
            }

            return sizes[0];
        }
    }

    // Guards leave it alone after a while, and tell it what it has.
    [Fact]
    public void A_balloon_that_is_stuck_is_so_until_it_moves()
    {
        double[] Round(double told, double balloon)
        {
            _time += Period;
            GuestState stuck = Full("stuck", balloon) with { LastWish = told };
            return Sizes(Decide(6000, [stuck with { Report = stuck.Report! with { SwapOut = 200 * _time } }, Full("b", 2000)]));
        }

        double told = Round(1000, 1000)[0];
        for (int round = 0; round < 3; round++)
            told = Round(told, 1000)[0];
        for (int round = 0; round < 3; round++)
            Assert.InRange(Round(1000, 1000)[0], 0, 1100);
        Assert.InRange(Round(1032, 1032)[0], 1500, Maximum);
    }

    private double SizeOfSilent(double peak)
    {
        BallastPolicy policy = new();
        GuestState quiet = Guest("quiet", 2000, Report(0, 2000, used: 500));
        BalloonWish wish = default;
        for (double time = 0; time <= 100; time += Period)
        {
            double used = time == 0 ? peak : 500;
            wish = policy.Decide(Host(5000, time), [quiet, Guest("web", 2600, Report(time, 2600, used))])[0];
        }

        return wish.Target!.Value;
    }

    private static double[] Sizes(IReadOnlyList<BalloonWish> wishes) => [.. wishes.Select(wish => wish.Target!.Value)];

    private GuestState[] Full(double size, int count) => [.. Enumerable.Range(0, count).Select(i => Full($"g{i}", size))];

    // It uses all that it has.
    private GuestState Full(string name, double size, double swapped = 0) => Guest(name, size, Report(_time, size, size) with { SwapOut = swapped });

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

    private static GuestReport Report(double time, double actual, double used) => new(time, actual, actual, 0, actual - used, actual - used, 0, 0, 0);

    private IReadOnlyList<BalloonWish> Decide(double budget, params GuestState[] guests) => _policy.Decide(Host(budget, _time), guests);

    private static HostState Host(double budget, double time) => new(budget + 332, 300, 32, 1000, time, Period);
}
