using System.Text.Json;
using System.Xml.Linq;
using Ballast.Balance.Simulation;
using Ballast.Cli.Charts;
using Ballast.Guests;
using Ballast.Tests.Balance;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Cli;

public sealed class BalanceCommandTests
{
    private static readonly string Spikes = ReferenceFigures.Files["s3-spikes"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

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

    [Fact]
    public async Task Guards_can_stand_between_policies_and_balloons()
    {
        string[] words = ["balance", "simulate", Spikes, "--json", "--policy", "ballast"];
        JsonElement plain = Figures(await CliRun.BallastAsync(new FakeDriver(), words));
        JsonElement guarded = Figures(await CliRun.BallastAsync(new FakeDriver(), [.. words, "--guarded"]));
        Assert.NotEqual(plain.GetProperty("moved_mib").GetDouble(), guarded.GetProperty("moved_mib").GetDouble());
        Assert.InRange(guarded.GetProperty("stall_percent").GetDouble(), 0, 2);

        static JsonElement Figures(Outcome outcome) => JsonDocument.Parse(outcome.Output).RootElement;
    }

    [Fact]
    public async Task A_chart_shows_each_guests_need_balloon_and_stall()
    {
        using PrivateDirectory directory = new();
        string file = directory.File("chart.svg");
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", ReferenceFigures.Files["s1-idle-and-busy"], "--svg", file);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        Assert.Contains(" ballast   0.1 ", outcome.Output, StringComparison.Ordinal);
        XDocument svg = XDocument.Load(file);
        string[] texts = [.. svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value)];
        Assert.All((string[])["ballast, a decision each 10 s: mean stall 0.1 %", "idle, MiB", "busy, MiB", "stall 0.2 %"], text => Assert.Contains(text, texts));
    }

    // The page's chart is what the simulator draws now: on a change, write it again with that command.
    [Fact]
    public async Task The_chart_in_the_documentation_is_of_today()
    {
        using PrivateDirectory directory = new();
        string file = directory.File("chart.svg");
        _ = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", ReferenceFigures.Files["s1-idle-and-busy"], "--svg", file);
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(NativeProgram.Root, "docs", "s1-ballast.svg"), Token), await File.ReadAllTextAsync(file, Token));
    }

    [Fact]
    public void A_chart_keeps_peaks_and_the_share_of_time_that_was_stalled()
    {
        const int seconds = 1000;
        SimulationHistory history = new(guests: 1, seconds);
        for (int time = 1; time <= seconds; time++)
            history.Observe(time, 0, need: time == 501 ? 900 : 100, balloon: time, stall: time <= 500 ? 1 : 0);
        IReadOnlyList<SimulationMoment> moments = history.Guests[0];
        Assert.InRange(moments.Count, 200, 300);
        Assert.Equal(900, moments.Max(moment => moment.Need));
        Assert.Equal(seconds, moments[^1].Balloon);
        Assert.All(moments, moment => Assert.InRange(moment.Stall, 0, 1.0000001));
        Assert.Equal(1, moments[0].Stall, 1e-9);
        Assert.Equal(0, moments[^1].Stall);
        Assert.Equal(moments.Select(moment => moment.Time).Order(), moments.Select(moment => moment.Time));
    }

    [Fact]
    public async Task A_chart_that_cannot_be_written_is_told()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "balance", "simulate", Spikes, "--svg", "/nowhere/chart.svg");
        Assert.Contains("cannot write /nowhere/chart.svg", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }

    [Theory]
    [InlineData("a chart shows one policy; name it with --policy", "balance", "simulate", "x", "--policy", "all", "--svg", "y")]
    [InlineData("option --guarded is for simulate", "balance", "log", "--guarded")]
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
        Assert.StartsWith($"error: {file}: line 1, column 1: the scenario has no 'seconds'", outcome.Error, StringComparison.Ordinal);
    }
}
