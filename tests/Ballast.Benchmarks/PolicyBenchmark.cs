using Ballast.Balance.Guards;
using Ballast.Balance.Simulation;
using Ballast.Guests.Scenarios;

namespace Ballast.Benchmarks;

/// <summary>Our policy beside the best known on random scenarios: figures of the model, which are the same on each machine.</summary>
internal static class PolicyBenchmark
{
    /// <summary>What the members of a <see cref="Row"/> are.</summary>
    public const string Heading =
        "scenarios | not worse by more than 0.2 points | stall where there is something to gain | the oracle's | worst, by points | worse by more than 3 | host swaps more";

    private static readonly (string Name, int First, int Count)[] Seeds = [("1–500", 1, 500), ("501–1000", 501, 500), ("2001–2300", 2001, 300)];

    private static readonly (string Name, SimulationConstants Constants)[] Models =
    [
        ("swap at half the speed", new() { SwapIn = 50, SwapOut = 100 }),
        ("swap at twice the speed", new() { SwapIn = 200, SwapOut = 400 }),
        ("a kernel of 1 %", new() { KernelShare = 0.01 }),
        ("a kernel of 5 %", new() { KernelShare = 0.05 }),
        ("reports 2 s old", new() { ReportAge = 2 }),
        ("reports 10 s old", new() { ReportAge = 10 }),
        ("reports 15 s old", new() { ReportAge = 15 }),
        ("reports 20 s old", new() { ReportAge = 20 }),
        ("reports 30 s old", new() { ReportAge = 30 }),
        ("reports 60 s old", new() { ReportAge = 60 }),
    ];

    public static Task RunAsync(Report report)
    {
        report.Section("policy:seeds", "`ballast` beside `preferred` on random scenarios of the model, decisions each 10 s");
        List<string> rows = [];
        foreach ((string name, int first, int count) in Seeds)
        {
            int[] seeds = [.. Enumerable.Range(first, count)];
            rows.Add(Row($"seeds {name}", PolicyComparison.Of(seeds)));
            rows.Add(Row($"seeds {name}, with the guards", PolicyComparison.Of(seeds, guards: new GuardLimits())));
        }

        foreach ((string name, SimulationConstants constants) in Models)
            rows.Add(Row($"seeds 1–500, {name}", PolicyComparison.Of(Enumerable.Range(1, 500), constants)));
        report.Rows(Heading, [.. rows]);
        return Task.CompletedTask;
    }

    /// <summary>One comparison as a row of a table.</summary>
    public static string Row(string name, PolicyComparison figures) => Report.Text(
        $"{name} | {figures.NotWorsePercent:0.0} % | {figures.StallShare:0.000} | {figures.OracleShare:0.000} | {figures.Worst.Lost:+0.00;-0.00} ({figures.Worst.Name}) | {Listed(figures.FarWorse)} | {Swapping(figures)}");

    private static string Swapping(PolicyComparison figures) => figures.Swapping.Count == 0
        ? "none"
        : Report.Text($"{Listed([.. figures.Swapping.Select(one => one.Name)])}; by {figures.Swapping.Max(one => one.Mib):0.00} MiB at most");

    private static string Listed(IReadOnlyList<string> names) =>
        names.Count == 0 ? "none" : Report.Text($"{names.Count}: {string.Join(", ", names.Take(12))}{(names.Count > 12 ? " …" : "")}");
}
