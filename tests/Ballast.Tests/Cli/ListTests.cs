using System.Text.Json;

namespace Ballast.Tests.Cli;

public sealed class ListTests
{
    private static readonly FakeDomain Running = new("web", 12)
    {
        Facts = new() { Entries = [new(MemoryStatTag.LastUpdate, 1_700_000_000), new(MemoryStatTag.Usable, 1)], PeriodSeconds = 0, IsRunning = true },
    };

    private static readonly FakeDomain Paused = new("日本\x1b[31m", 13) { State = new(DomainState.Paused, 5) };
    private static readonly FakeDomain Hung = new("hung", 14) { Failure = LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "no answer") };
    private static readonly FakeDomain Off = new("off", null);
    private static readonly FakeDomain Saved = new("saved", null) { HasManagedSave = true };

    private static FakeDriver Host() => new(Running, Paused, Hung, Off, Saved);

    [Fact]
    public async Task The_table_is_as_wide_as_what_is_seen()
    {
        Outcome outcome = await CliRun.BallastAsync(Host(), "list", "--all");
        Assert.Equal(
            """
             Id   Name           State
            -------------------------------
             12   web            running
             13   日本\x1b[31m   paused
             14   hung           no state
             -    off            shut off
             -    saved          shut off


            """, outcome.Output);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
    }

    [Fact]
    public async Task Quiet_drops_the_heading_and_its_widths()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(new FakeDomain("a", 1)), "-q", "list", "--title");
        Assert.Equal(" 1   a   running   \n", outcome.Output);
    }

    [Theory]
    [InlineData("list --name", "web\n日本\\x1b[31m\nhung\n")]
    [InlineData("list --name --id --inactive", "- off\n- saved\n")]
    [InlineData("list --name --state-shutoff", "off\nsaved\n")]
    [InlineData("list --name --state-paused", "日本\\x1b[31m\n")]
    [InlineData("list --name --state-paused --state-running", "web\n日本\\x1b[31m\n")]
    [InlineData("list --name --all --with-managed-save", "saved\n")]
    [InlineData("list --inactive --managed-save", " -   off     shut off\n -   saved   saved\n")]
    public async Task Options_choose_domains_and_columns(string words, string expected)
    {
        // The domain that fails is asked about its state by filters, too.
        FakeDriver host = words.Contains("--state", StringComparison.Ordinal) ? new(Running, Paused, Off, Saved) : Host();
        Outcome outcome = await CliRun.BallastAsync(host, ["-q", .. words.Split(' ')]);
        Assert.Equal(new Outcome(0, expected, ""), outcome);
    }

    [Fact]
    public async Task JSON_tells_state_and_how_far_memory_can_be_trusted()
    {
        Outcome outcome = await CliRun.BallastAsync(Host(), "-q", "list", "--all", "--json");
        JsonElement[] domains = [.. JsonDocument.Parse(outcome.Output).RootElement.EnumerateArray()];
        Assert.Equal(5, domains.Length);

        JsonElement web = domains[0];
        Assert.Equal("web", web.GetProperty("name").GetString());
        Assert.Equal(Running.Identity.Uuid, web.GetProperty("uuid").GetGuid());
        Assert.Equal(12, web.GetProperty("id").GetInt32());
        Assert.Equal("running", web.GetProperty("state").GetString());
        Assert.Equal("booted", web.GetProperty("reason").GetString());
        Assert.Equal("fresh", web.GetProperty("memory").GetProperty("freshness").GetString());
        Assert.Equal("polling off", web.GetProperty("memory").GetProperty("reason").GetString());
        Assert.Contains("--period 2", web.GetProperty("memory").GetProperty("remedy").GetString(), StringComparison.Ordinal);

        Assert.Equal("日本\x1b[31m", domains[1].GetProperty("name").GetString());
        Assert.Equal("I/O error", domains[1].GetProperty("reason").GetString());
        Assert.DoesNotContain('\x1b', outcome.Output);

        Assert.Equal("monitor hung", domains[2].GetProperty("memory").GetProperty("reason").GetString());
        Assert.Equal("Timed out during operation: no answer", domains[2].GetProperty("memory").GetProperty("detail").GetString());
        Assert.Equal(JsonValueKind.Null, domains[3].GetProperty("id").ValueKind);
        Assert.Equal(JsonValueKind.Null, domains[3].GetProperty("memory").ValueKind);
    }

    [Fact]
    public async Task JSON_of_nothing_is_an_empty_array()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "-q", "list", "--json");
        Assert.Equal("[]\n", outcome.Output);
    }

    [Theory]
    [InlineData("list --json --name", "--json and --name")]
    [InlineData("list --json --table", "--table and --json")]
    public async Task JSON_excludes_other_forms(string words, string options)
    {
        Outcome outcome = await CliRun.BallastAsync(Host(), words.Split(' '));
        Assert.Equal(new Outcome(1, "\n", $"error: Options {options} are mutually exclusive\n"), outcome);
    }
}
