using Ballast.Balance.Simulation;

namespace Ballast.Tests.Balance;

public sealed class SimulatorTests
{
    private const double Tolerance = 1e-9;

    [Fact]
    public void Its_figures_are_those_of_the_reference()
    {
        Assert.True(ReferenceFigures.All.Count >= 19 * 8 * 3);
        Dictionary<string, Scenario> scenarios = ReferenceFigures.All.Select(known => known.Scenario).Distinct().ToDictionary(name => name, ReferenceFigures.Load);
        Assert.All(ReferenceFigures.All, known =>
        {
            SimulationResult ours = Simulator.Run(
                scenarios[known.Scenario], known.Policy, known.Period, cancellationToken: TestContext.Current.CancellationToken);
            double[] figures = [ours.StallPercent, ours.WorstGuestPercent, ours.HostSwapMib, ours.HostIdlePercent, ours.MovedMib];
            Assert.All(figures.Zip(known.Figures), pair => Assert.InRange(pair.First, pair.Second - Tolerance, pair.Second + Tolerance));
        });
    }

    [Fact]
    public void Who_watches_sees_each_second_of_each_guest()
    {
        Scenario scenario = ReferenceFigures.Load("s1-idle-and-busy");
        Watcher watcher = new();
        SimulationResult result = Simulator.Run(scenario, "preferred", 10, watcher, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(scenario.Seconds * scenario.Guests.Count, watcher.Count);
        Assert.Equal(result.GuestStallPercent[0], 100 * watcher.Stall / scenario.Seconds, Tolerance);
        Assert.Equal(result.WorstGuestPercent, result.GuestStallPercent.Max());
    }

    [Fact]
    public void A_policy_that_is_not_known_and_no_period_are_refused()
    {
        Scenario scenario = ReferenceFigures.Load("s1-idle-and-busy");
        Assert.Contains("'guess'", Assert.Throws<ArgumentException>(() => Simulator.Run(scenario, "guess", 10, cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => Simulator.Run(scenario, "static", 0, cancellationToken: TestContext.Current.CancellationToken));
    }

    private sealed class Watcher : ISimulationObserver
    {
        public int Count { get; private set; }

        public double Stall { get; private set; }

        public void Observe(int time, int guest, double need, double balloon, double stall)
        {
            Count++;
            if (guest == 0)
                Stall += stall;
        }
    }
}
