using Ballast.Balance.Simulation;

namespace Ballast.Tests.Balance;

public sealed class PolicyDeterminismTests
{
    public static TheoryData<string> Policies { get; } = [.. Simulator.Policies];

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_same_history_gives_the_same_figures(string policy)
    {
        Assert.All(["s6-liars", "s7-deaf", "g4"], name =>
        {
            SimulationResult first = Run(name, policy), second = Run(name, policy);
            Assert.Equal(first.GuestStallPercent, second.GuestStallPercent);
            Assert.Equal(
                (first.StallPercent, first.HostSwapMib, first.HostIdlePercent, first.MovedMib),
                (second.StallPercent, second.HostSwapMib, second.HostIdlePercent, second.MovedMib));
        });
    }

    private static SimulationResult Run(string name, string policy) =>
        Simulator.Run(ReferenceFigures.Load(name), policy, 10, cancellationToken: TestContext.Current.CancellationToken);
}
