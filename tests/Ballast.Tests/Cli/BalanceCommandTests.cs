using System.Text.Json;
using Ballast.Balance.Simulation;
using Ballast.Tests.Balance;

namespace Ballast.Tests.Cli;

public sealed class BalanceCommandTests
{
    private static readonly string Spikes = ReferenceFigures.Files["s3-spikes"];

    [Fact]
    public async Task Policies_are_shown_in_a_table()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", Spikes, "--policy", "preferred");
        Assert.Equal(
            """
             Policy      Stall %   Worst %   Host swap MiB   Idle %   Moved MiB
            ---------------------------------------------------------------------
             preferred   1.7       1.8       25              3.0      165715


            """, outcome.Output);
    }

    [Fact]
    public async Task Json_has_a_line_a_policy_that_is_not_rounded()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", Spikes, "--json", "--period", "30");
        string[] lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Simulator.Policies, lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("policy").GetString()));
        Dictionary<string, ReferenceFigures> known = ReferenceFigures.All
            .Where(figures => figures is { Scenario: "s3-spikes", Period: 30 }).ToDictionary(figures => figures.Policy);
        foreach (JsonElement line in lines.Select(line => JsonDocument.Parse(line).RootElement))
        {
            Assert.Equal(["policy", "period", .. ReferenceFigures.Names], line.EnumerateObject().Select(member => member.Name));
            if (known.TryGetValue(line.GetProperty("policy").GetString()!, out ReferenceFigures? figures))
                Assert.Equal(figures.Figures, ReferenceFigures.Names.Select(name => line.GetProperty(name).GetDouble()));
        }
    }

    [Theory]
    [InlineData("unknown action 'simulat', did you mean 'simulate'?", "balance", "simulat", "x")]
    [InlineData("unknown policy 'prefered', did you mean 'preferred'?", "balance", "simulate", "x", "--policy", "prefered")]
    [InlineData("cannot read nowhere.json", "balance", "simulate", "nowhere.json")]
    [InlineData("command 'balance' requires <file> option", "balance", "simulate")]
    [InlineData("Numeric value '0' for <period> option is malformed or out of range", "balance", "simulate", "x", "--period", "0")]
    public async Task Mistakes_are_told(string complaint, params string[] words)
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), words);
        Assert.Contains(complaint, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }

    [Fact]
    public async Task A_file_that_is_no_scenario_is_named_with_what_is_wrong()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """{"memory": 1, "second": 2}""", TestContext.Current.CancellationToken);
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", file);
        File.Delete(file);
        Assert.StartsWith($"error: {file}: the scenario has no 'seconds'", outcome.Error, StringComparison.Ordinal);
    }
}
