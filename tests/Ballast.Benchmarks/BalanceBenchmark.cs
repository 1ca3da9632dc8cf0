using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>The simulator beside the reference model in Python: all policies on each scenario, without what it takes to start a program.</summary>
internal static class BalanceBenchmark
{
    private const int RoundCount = 5;
    private const string Empty = """{"memory": 1024, "seconds": 1, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 100]]}]}""";

    public static Task RunAsync(Report report)
    {
        report.Section("balance", "Simulated time of all scenarios with all policies, in processor time without start-up");
        using PrivateDirectory directory = new();
        string empty = directory.File("empty.json");
        File.WriteAllText(empty, Empty);
        string[] scenarios = [.. Directory.EnumerateFiles("tests/balance", "*.json", SearchOption.AllDirectories).Order()];
        string python = Tools.Find("python3");
        string[] reference = [python, "tests/balance/reference/model.py"], ours = [Tools.Ballast(), "balance", "simulate"];
        double[] theirTimes = new double[RoundCount], ourTimes = new double[RoundCount], sameTimes = new double[RoundCount];
        for (int round = 0; round < RoundCount; round++)
        {
            theirTimes[round] = Sum(reference, scenarios, empty);
            ourTimes[round] = Sum(ours, scenarios, empty);
            sameTimes[round] = ourTimes[round] - Sum([.. ours, "--policy", "ballast"], scenarios, empty);
        }

        report.Table("`model.py SCENARIO` and `ballast balance simulate SCENARIO`", "ms",
            [new("the reference", theirTimes), new("Ballast, all but its own policy, which the reference has not", sameTimes), new("Ballast, all", ourTimes)]);
        return Task.CompletedTask;
    }

    private static double Sum(string[] program, string[] scenarios, string empty) => scenarios
        .Sum(scenario => NativeProcess.Measure([.. program, scenario]).Item2 - NativeProcess.Measure([.. program, empty]).Item2);
}
