using Ballast.Cli.Commands;

namespace Ballast.Tests.Cli;

/// <summary>What people at a terminal are told beyond what virsh says, and programs are not.</summary>
public sealed class ForPeopleTests
{
    private const ulong Now = 1_700_000_000;

    private static FakeDomain Domain(string name, int id, ulong age, uint period = 2) => new(name, id)
    {
        Facts = new()
        {
            Entries = [new(MemoryStatTag.ActualBalloon, 1024), new(MemoryStatTag.Available, 900), new(MemoryStatTag.LastUpdate, Now - age)],
            PeriodSeconds = period,
            IsRunning = true,
        },
    };

    /// <summary>What an operator asks every day, by the words that are looked for, and the command that answers.</summary>
    [Theory]
    [InlineData("short of memory", "memory")]
    [InlineData("could get back", "memory")]
    [InlineData("numbers are missing", "doctor")]
    [InlineData("wrong", "doctor")]
    [InlineData("smaller", "setmem")]
    [InlineData("follow the memory of a domain", "watch")]
    [InlineData("wait until it is short", "watch")]
    [InlineData("one host or several", "top")]
    [InlineData("show the state", "domstate")]
    [InlineData("balloon, lifecycle", "event")]
    [InlineData("show the XML", "dumpxml")]
    [InlineData("the daemon", "version")]
    public async Task Help_leads_from_a_question_to_its_command(string words, string command)
    {
        string help = (await CliRun.BallastAsync("help")).Output;
        string[] lines = help[..help.IndexOf("\nQuestions:\n", StringComparison.Ordinal)].Split('\n');
        Assert.StartsWith($"  {command} ", Assert.Single(lines, line => line.Contains(words, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--json")]
    [InlineData("shell")]
    [InlineData("manual")]
    [InlineData("-c URI")]
    [InlineData("ballast --help")]
    [InlineData("Tab completes")]
    public async Task Help_ends_with_what_is_no_command(string words) =>
        Assert.Contains(words, string.Join(' ', (await CliRun.BallastAsync("help")).Output.Split('\n')[^7..]), StringComparison.Ordinal);

    [Fact]
    public async Task Help_names_every_command_that_writes_JSON()
    {
        string help = string.Join(' ', (await CliRun.BallastAsync("help")).Output.Split('\n')[^7..]);
        string named = help[help.IndexOf("For scripts, ", StringComparison.Ordinal)..help.IndexOf(" take --json", StringComparison.Ordinal)];
        Assert.Equal(
            CommandTable.All.Where(command => command.Options.Any(option => option.Name == "json")).Select(command => command.Name),
            named.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Except(["For", "scripts", "and"]).Order(StringComparer.Ordinal));
    }

    private const string Lines = "actual 1024\navailable 900\nlast_update ";

    [Theory]
    [InlineData(1, 2, "guest: reported 1 s ago, every 2 s\n")]
    [InlineData(7500, 2, "guest: stale; its last report is 2 h 5 min old. The guest may be stuck")]
    [InlineData(600, 0, "guest: polling off; its last report is 10 min old. Set a collection period: dommemstat guest --period 2\n")]
    public async Task Dommemstat_tells_age_and_reason_on_standard_error(ulong age, uint period, string remark)
    {
        FakeDriver driver = new(Domain("guest", 7, age, period));
        Outcome people = await CliRun.BallastAtTerminalAsync(driver, "dommemstat", "guest");
        Outcome program = await CliRun.BallastAsync(driver, "dommemstat", "guest");
        Outcome virsh = await CliRun.VirshAtTerminalAsync(driver, "dommemstat", "guest");

        Assert.Equal($"{Lines}{Now - age}\n\n", people.Output);
        Assert.StartsWith(remark, people.Error, StringComparison.Ordinal);
        Assert.Equal(new Outcome(0, people.Output, ""), program);
        Assert.Equal(program, virsh);
    }

    [Fact]
    public async Task List_has_a_column_where_there_is_something_to_say()
    {
        FakeDriver driver = new(Domain("fine", 1, 1), Domain("old", 2, 700));
        Outcome people = await CliRun.BallastAtTerminalAsync(driver, "list");
        Outcome program = await CliRun.BallastAsync(driver, "list");

        Assert.Equal(
            " Id   Name   State     Memory\n-------------------------------\n 1    fine   running   \n 2    old    running   stale\n\n", people.Output);
        Assert.Contains("dommemstat DOMAIN", people.Error, StringComparison.Ordinal);
        Assert.Equal(new Outcome(0, " Id   Name   State\n----------------------\n 1    fine   running\n 2    old    running\n\n", ""), program);
        Assert.Equal(program, await CliRun.VirshAtTerminalAsync(driver, "list"));
        Assert.Equal(
            " Id   Name   State\n----------------------\n 1    fine   running\n\n",
            (await CliRun.BallastAtTerminalAsync(new FakeDriver(Domain("fine", 1, 1)), "list")).Output);
    }

    [Fact]
    public async Task A_state_that_nobody_knows_has_its_reason_on_standard_error()
    {
        FakeDriver driver = new(Domain("guest", 7, 1) with
        {
            State = new(DomainState.NoState, 0),
            Facts = new() { Entries = [], Obstacle = MemoryStatsReason.MonitorHung, Detail = "no answer" },
        });
        Outcome outcome = await CliRun.BallastAsync(driver, "domstate", "guest");

        Assert.Equal((0, "no state\n\n"), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("warning: guest: monitor hung (no answer). QEMU may be stopped", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("", (await CliRun.VirshAtTerminalAsync(driver, "domstate", "guest")).Error);
    }

    [Fact]
    public async Task A_period_and_what_is_to_be_shown_are_both_done()
    {
        FakeDriver driver = new(Domain("guest", 7, 1));
        Outcome outcome = await CliRun.BallastAsync(driver, "dommemstat", "guest", "--period", "2", "--json");

        Assert.Contains("\"reason\": \"fresh\"", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(["period guest 2 Live"], driver.Changes);
    }

    [Fact]
    public async Task All_domains_get_a_period_whatever_one_of_them_says()
    {
        FakeDriver driver = new(
            Domain("one", 1, 1), Domain("two", 2, 1) with { Failure = LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test, "no") }, Domain("three", 3, 1));
        Outcome outcome = await CliRun.BallastAsync(driver, "dommemstat", "--all", "--period", "5");

        Assert.Equal(["period one 5 Live", "period three 5 Live"], driver.Changes);
        Assert.Equal(
            new Outcome(1, "\n", "error: two: Unable to change balloon collection period. Requested operation is not valid: no\n"), outcome);
    }

    [Fact]
    public async Task All_domains_are_shown_one_after_the_other()
    {
        FakeDriver driver = new(Domain("one", 1, 1), Domain("two", 2, 1));
        Outcome outcome = await CliRun.BallastAsync(driver, "dommemstat", "--all");
        Assert.Equal(new Outcome(0, $"Domain: 'one'\n{Lines}{Now - 1}\n\nDomain: 'two'\n{Lines}{Now - 1}\n\n", ""), outcome);
        Assert.Contains("mutually exclusive", (await CliRun.BallastAsync(driver, "dommemstat", "--all", "one")).Error, StringComparison.Ordinal);
        Assert.Equal("error: command 'dommemstat' requires <domain> option\n", (await CliRun.BallastAsync(driver, "dommemstat")).Error);
    }
}
