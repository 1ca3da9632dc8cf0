using System.Globalization;
using Ballast.Balance.Guards;
using Ballast.Balance.Simulation;
using Ballast.Tests.Balance;

namespace Ballast.Tests.Documentation;

public sealed class BalancingTests
{
    private static readonly string[] Lines = DocumentedCode.Text("docs/balancing.md").Split('\n');

    [Fact]
    public void Each_guard_stands_in_the_table_with_its_numbers()
    {
        GuardLimits limits = new();
        Dictionary<GuardRule, string[]> numbers = new()
        {
            [GuardRule.Floor] = [Percent(limits.FloorShare), $"{Whole(limits.FloorMargin)} MiB", "twice", $"{Whole(limits.ClaimStep)} MiB a report", $"{Whole(limits.BelievedSeconds / 60)} minutes"],
            [GuardRule.UncertainNumbers] = [],
            [GuardRule.Budget] = [],
            [GuardRule.Speed] = ["a quarter of the maximum per step and three quarters of it per minute", "half of it per step and all of it per minute"],
            [GuardRule.NotReady] = [],
            [GuardRule.NothingReturned] = [Percent(limits.NothingReturnedShare), $"{Whole(limits.NothingReturnedMargin)} MiB", $"{Whole(limits.FollowSeconds)} s"],
            [GuardRule.NotFollowing] = [$"{Whole(limits.LeastChange)} MiB", $"{Whole(limits.FollowSeconds)} s", $"{Whole(limits.NotFollowingPause)} s"],
            [GuardRule.ForeignTarget] = [$"{Whole(limits.ForeignPause)} s"],
            [GuardRule.Failures] = [Whole(limits.MostFailures)],
        };
        Assert.Equal(Enum.GetValues<GuardRule>(), numbers.Keys.Order());
        Assert.All(numbers, rule =>
        {
            string line = Assert.Single(Lines, line => line.StartsWith($"| {Whole((int)rule.Key)} |", StringComparison.Ordinal));
            Assert.All(rule.Value, number => Assert.Contains(number, line, StringComparison.Ordinal));
        });
        Assert.Equal((2, 0.25, 0.75, 0.5, 1), (limits.FloorFactorWithoutDeflate, limits.ShrinkStepShare, limits.ShrinkMinuteShare, limits.GrowStepShare, limits.GrowMinuteShare));
    }

    [Fact]
    public void What_is_not_worth_a_change_is_told()
    {
        GuardLimits limits = new();
        Assert.Contains(
            $"The guards skip shrinking by less than {Whole(limits.LeastChange)} MiB and growing by less than {Whole(limits.LeastGrowth)} MiB",
            string.Join(' ', Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s1-idle-and-busy")]
    [InlineData("s2-antiphase")]
    [InlineData("s3-spikes")]
    [InlineData("s4-silent")]
    [InlineData("s5-hot-cache")]
    [InlineData("s6-liars")]
    [InlineData("s7-deaf")]
    [InlineData("s8-shared-memory")]
    [InlineData("s9-total-stays")]
    public void The_stall_of_each_scenario_is_what_the_simulator_says(string name)
    {
        Scenario scenario = ReferenceFigures.Load(name);
        string line = Assert.Single(Lines, line => line.StartsWith($"| {name[..2]} ", StringComparison.Ordinal));
        Assert.EndsWith($"| {Stall("preferred")} | {Stall("ballast")} | {Stall("ballast", new())} | {Stall("oracle")} |", line, StringComparison.Ordinal);

        string Stall(string policy, GuardLimits? guards = null) => Simulator
            .Run(scenario, policy, 10, guards: guards, cancellationToken: TestContext.Current.CancellationToken)
            .StallPercent.ToString("F1", CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Each_policy_is_described() =>
        Assert.All(Simulator.Policies, policy => Assert.Single(Lines, line => line.StartsWith($"| `{policy}` |", StringComparison.Ordinal)));

    private static string Percent(double share) => $"{Whole(share * 100)} %";

    private static string Whole(double number) => number.ToString("F0", CultureInfo.InvariantCulture);
}
