using Ballast.Balance.Guards;
using Ballast.Balance.Simulation;
using Ballast.Guests.Scenarios;

namespace Ballast.Benchmarks;

/// <summary>Our policy beside the best known and the oracle on families of scenarios by hand: figures of the model, the same on each machine.</summary>
internal static class FamilyBenchmark
{
    private const int Period = 10;

    // The first is what the policy was made on; the others are of the same kind, and show what holds beyond it.
    private static readonly (string Name, double Pace, double Size)[] Variants =
        [("as they are", 1, 1), ("each phase 1.4 times as long, guests half as large", 1.4, 0.5), ("0.7 times as long, twice as large", 0.7, 2)];

    private static readonly (string Name, SimulationConstants Constants)[] Models =
        [("reports 10 s old", new() { ReportAge = 10 }), ("reports 30 s old", new() { ReportAge = 30 }), ("swap at a quarter of the speed", new() { SwapIn = 25, SwapOut = 50 })];

    private static readonly GuardLimits Guards = new();

    public static Task RunAsync(Report report)
    {
        report.Section("policy:families", "`ballast` beside `preferred` on families of scenarios by hand, decisions each 10 s");
        report.Rows(
            PolicyBenchmark.Heading,
            [
                .. Variants.SelectMany(one => Rows(one.Name, ScenarioFamilies.All(one.Pace, one.Size), null)),
                .. Models.SelectMany(one => Rows(one.Name, ScenarioFamilies.All(), one.Constants)),
            ]);
        report.Note("Stall in percent, mean over the hosts of each family; the oracle knows what comes, and makes all guests short by the same share:");
        report.Rows("family | `ballast` | guarded | `preferred` | guarded | `oracle`", [.. ScenarioFamilies.All().GroupBy(one => one.Family).Select(Row)]);
        return Task.CompletedTask;
    }

    private static IEnumerable<string> Rows(string name, IReadOnlyList<FamilyScenario> scenarios, SimulationConstants? constants)
    {
        (string Name, Scenario Scenario)[] named = [.. scenarios.Select(one => (one.Name, one.Scenario))];
        yield return PolicyBenchmark.Row(name, PolicyComparison.Of(named, constants, null, null));
        yield return PolicyBenchmark.Row($"{name}, with the guards", PolicyComparison.Of(named, constants, Guards, null));
        yield return PolicyBenchmark.Row($"{name}, both with the guards", PolicyComparison.Of(named, constants, Guards, Guards));
    }

    private static string Row(IGrouping<string, FamilyScenario> family)
    {
        Scenario[] scenarios = [.. family.Select(one => one.Scenario)];
        return Report.Text(
            $"{family.Key} | {Stall("ballast", null):0.0} | {Stall("ballast", Guards):0.0} | {Stall("preferred", null):0.0} | {Stall("preferred", Guards):0.0} | {Stall("oracle", null):0.0}");

        double Stall(string policy, GuardLimits? guards) => scenarios.Average(one => Simulator.Run(one, policy, Period, guards: guards).StallPercent);
    }
}
