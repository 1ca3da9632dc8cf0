using Ballast.Balance;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Balance.Simulation;
using CsCheck;

namespace Ballast.Tests.Balance;

/// <summary>Where nothing changes, or hardly anything, nobody's memory goes to and fro, however short all are.</summary>
public sealed class SteadySharingTests
{
    private const double Overhead = 300, Reserve = 32, Least = 64, MostToAndFro = 128;
    private const int Seconds = 3600, SettledAfter = 1800, Period = 10;

    // Each needs a part of its maximum; the host has a part of what all need together.
    private static readonly Gen<Scenario> Steady =
        from guests in Gen.Select(Gen.OneOf(1024.0, 2048, 4096), Gen.Double[0.2, 0.9], Gen.Double[0.2, 1]).Array[2, 8]
        from room in Gen.Double[0.1, 1]
        let needs = guests.Select(guest => guest.Item1 * guest.Item2).ToArray()
        select new Scenario
        {
            Memory = Math.Max(needs.Sum() * room, guests.Sum(guest => guest.Item1 / 8) + Least) + Overhead + Reserve,
            Overhead = Overhead,
            Reserve = Reserve,
            Seconds = Seconds,
            Guests =
            [
                .. guests.Select((guest, i) => new GuestScenario
                {
                    Name = $"g{i}",
                    Maximum = guest.Item1,
                    Minimum = guest.Item1 / 8,
                    Start = guest.Item1 * guest.Item3,
                    Anonymous = TimeSeries.Constant(needs[i]),
                    Hot = TimeSeries.Constant(20),
                    Data = 1000,
                }),
            ],
        };

    [Fact]
    public void Where_needs_stay_the_same_memory_does_not_go_to_and_fro() => Steady.Sample(
        scenario =>
        {
            Ways ways = new(scenario.Guests.Count);
            _ = Simulator.Run(scenario, "ballast", Period, ways, new GuardLimits(), TestContext.Current.CancellationToken);
            Assert.All(ways.ToAndFro, moved => Assert.InRange(moved, 0, MostToAndFro));
        },
        iter: 200, threads: 1);

    // Budgets that go up and down by half a percent, where the two ways would be equally good if nobody had anything yet: about 3750.
    [Fact]
    public void Where_two_ways_are_nearly_as_good_it_stays_with_one()
    {
        const int Count = 4, Rounds = 14, Kept = 6;
        const double Need = 1000, Budget = 3500, MostBudget = 3790, Step = 5, Change = 0.005;
        HashSet<bool> ways = [];
        for (double budget = Budget; budget < MostBudget; budget += Step)
        {
            BallastPolicy policy = new();
            double[] sizes = [.. Enumerable.Repeat(budget / Count, Count)], swapOut = new double[Count];
            HashSet<string> last = [];
            for (int round = 0; round < Rounds; round++)
            {
                for (int i = 0; i < Count && round > 0; i++)
                    swapOut[i] = Math.Max(swapOut[i], Need - sizes[i]);
                double there = budget * (1 + (round % 2 == 0 ? Change : -Change));
                HostState host = new(there + Overhead + Reserve, Overhead, Reserve, 1000, round * Period, Period);
                sizes = [.. policy.Decide(host, [.. sizes.Select((size, i) => Guest(i, size, swapOut[i], round * Period, Need))]).Select(wish => wish.Target!.Value)];
                if (round >= Kept)
                    _ = last.Add(string.Join(' ', sizes.Select(size => size >= Need)));
                ways.UnionWith(sizes.Select(size => size >= Need));
            }

            Assert.True(last.Count == 1, $"{budget}: {string.Join(", ", last)}");
        }

        Assert.Equal(2, ways.Count);
    }

    private static GuestState Guest(int number, double size, double swapOut, double time, double need)
    {
        double used = Math.Min(size, need);
        return new GuestState
        {
            Name = $"g{number}",
            Maximum = 4096,
            Minimum = 256,
            Balloon = size,
            LastWish = size,
            Resident = size,
            Report = new GuestReport(time, size, size, 0, size - used, size - used, 0, swapOut, 0),
        };
    }

    // Some go on slowly: one that swaps is given a little more, round by round, until it no longer does.
    private sealed class Ways(int count) : ISimulationObserver
    {
        private readonly double[] _length = new double[count], _last = new double[count], _first = new double[count];

        public IEnumerable<double> ToAndFro => _length.Select((length, i) => (length - Math.Abs(_last[i] - _first[i])) / 2);

        public void Observe(int time, int guest, double need, double balloon, double stall)
        {
            if (time == SettledAfter)
                _first[guest] = balloon;
            if (time > SettledAfter)
                _length[guest] += Math.Abs(balloon - _last[guest]);
            _last[guest] = balloon;
        }
    }
}
