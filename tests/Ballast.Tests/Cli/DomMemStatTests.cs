using System.Text.Json;

namespace Ballast.Tests.Cli;

public sealed class DomMemStatTests
{
    private const MemoryStatTag Unknown = (MemoryStatTag)4711;
    private const ulong Now = 1_700_000_000;

    private static FakeDomain Guest(params MemoryStat[] entries) => new("guest", 7)
    {
        Facts = new() { Entries = entries, PeriodSeconds = 2, IsRunning = true, MaximumKiB = 4096 },
    };

    private static async Task<JsonElement> JsonAsync(FakeDomain domain, params string[] options)
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(domain), ["-q", "dommemstat", domain.Name, "--json", .. options]);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        return JsonDocument.Parse(outcome.Output).RootElement;
    }

    [Fact]
    public async Task A_tag_without_a_name_is_in_JSON_by_its_number_and_not_in_the_text()
    {
        FakeDomain guest = Guest(new(MemoryStatTag.ActualBalloon, 2048), new(Unknown, ulong.MaxValue - 1), new(MemoryStatTag.Rss, 99));
        Outcome text = await CliRun.BallastAsync(new FakeDriver(guest), "dommemstat", "guest");
        Assert.Equal(new Outcome(0, "actual 2048\nrss 99\n\n", ""), text);

        JsonElement stats = (await JsonAsync(guest)).GetProperty("stats");
        Assert.Equal(ulong.MaxValue - 1, stats.GetProperty("4711").GetUInt64());
        Assert.Equal(["actual", "4711", "rss"], stats.EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task The_drivers_order_is_kept()
    {
        FakeDomain guest = Guest(new(MemoryStatTag.Rss, 1), new(MemoryStatTag.SwapIn, 2), new(MemoryStatTag.ActualBalloon, 3));
        Outcome text = await CliRun.BallastAsync(new FakeDriver(guest), "-q", "dommemstat", "7");
        Assert.Equal("rss 1\nswap_in 2\nactual 3\n", text.Output);
    }

    [Fact]
    public async Task JSON_tells_age_freshness_and_used_memory()
    {
        JsonElement json = await JsonAsync(Guest(
            new(MemoryStatTag.Available, 4000), new(MemoryStatTag.Usable, 1000), new(MemoryStatTag.LastUpdate, Now - 3)));
        Assert.Equal("guest", json.GetProperty("domain").GetProperty("name").GetString());
        Assert.Equal(7, json.GetProperty("domain").GetProperty("id").GetInt32());
        Assert.Equal(3000, json.GetProperty("used").GetProperty("kib").GetInt32());
        Assert.Equal("available - usable", json.GetProperty("used").GetProperty("formula").GetString());
        Assert.Equal("2023-11-14T22:13:17Z", json.GetProperty("last_update").GetString());
        Assert.Equal(3, json.GetProperty("age_seconds").GetDouble());
        Assert.Equal(2, json.GetProperty("period_seconds").GetInt32());
        Assert.Equal("fresh", json.GetProperty("freshness").GetString());
        Assert.Equal("fresh", json.GetProperty("reason").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("remedy").ValueKind);
        Assert.Equal("never reported", json.GetProperty("missing").GetProperty("unused").GetString());
        Assert.False(json.GetProperty("missing").TryGetProperty("usable", out _));
        Assert.Equal(0, json.GetProperty("inconsistencies").GetArrayLength());
    }

    [Fact]
    public async Task Absent_is_null_and_never_zero()
    {
        JsonElement json = await JsonAsync(Guest(new MemoryStat(MemoryStatTag.ActualBalloon, 2048)));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("used").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("last_update").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("age_seconds").ValueKind);
        Assert.Equal("never reported", json.GetProperty("freshness").GetString());
        Assert.Equal(12, json.GetProperty("missing").EnumerateObject().Count());
        Assert.Equal(["actual"], json.GetProperty("stats").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task A_rejected_value_says_so()
    {
        FakeDomain guest = new("guest", 7)
        {
            Facts = new()
            {
                Entries = [new(MemoryStatTag.LastUpdate, Now), new(MemoryStatTag.SwapIn, 1)],
                Rejected = default(MemoryStatTagSet).With(MemoryStatTag.Available),
                PeriodSeconds = 2,
                IsRunning = true,
            },
        };
        JsonElement missing = (await JsonAsync(guest)).GetProperty("missing");
        Assert.Equal("rejected value", missing.GetProperty("available").GetString());
        Assert.Equal("never reported", missing.GetProperty("usable").GetString());
    }

    [Fact]
    public async Task A_hung_monitor_is_a_reason_with_a_remedy_and_what_is_known()
    {
        FakeDomain guest = new("guest", 7)
        {
            Facts = new()
            {
                Entries = [new(MemoryStatTag.Rss, 512)],
                Obstacle = MemoryStatsReason.MonitorHung,
                Detail = "no answer for 2 s",
            },
        };
        JsonElement json = await JsonAsync(guest);
        Assert.Equal("monitor hung", json.GetProperty("reason").GetString());
        Assert.Equal(MemoryStatsReason.MonitorHung.Remedy("guest"), json.GetProperty("remedy").GetString());
        Assert.Equal("no answer for 2 s", json.GetProperty("detail").GetString());
        Assert.Equal(512, json.GetProperty("stats").GetProperty("rss").GetInt32());
        Assert.Equal("monitor hung", json.GetProperty("missing").GetProperty("actual").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("period_seconds").ValueKind);
    }

    [Fact]
    public async Task Impossible_combinations_are_named()
    {
        JsonElement json = await JsonAsync(Guest(
            new(MemoryStatTag.Unused, 9000), new(MemoryStatTag.Available, 8000), new(MemoryStatTag.Usable, 8500), new(MemoryStatTag.LastUpdate, Now)));
        Assert.Equal(
            ["available above maximum", "usable above available", "unused above available"],
            json.GetProperty("inconsistencies").EnumerateArray().Select(one => one.GetString()));
    }

    [Fact]
    public async Task Numbers_beyond_what_a_double_holds_stay_whole()
    {
        Outcome outcome = await CliRun.BallastAsync(
            new FakeDriver(Guest(new MemoryStat(MemoryStatTag.MinorFault, 9_223_372_036_854_775_807))), "dommemstat", "guest", "--json");
        Assert.Contains("\"minor_fault\": 9223372036854775807", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--extended", MemoryStatsOptions.Extended)]
    [InlineData("--live", MemoryStatsOptions.None)]
    public async Task Only_extended_asks_for_more(string option, MemoryStatsOptions expected)
    {
        FakeDriver driver = new(Guest(new MemoryStat(MemoryStatTag.OomKills, 3)));
        Outcome text = await CliRun.BallastAsync(driver, "-q", "dommemstat", "guest", option);
        Assert.Equal("oom_kills 3\n", text.Output);
        Assert.Equal(expected, driver.LastOptions);
        _ = await CliRun.BallastAsync(driver, "-q", "dommemstat", "guest", option, "--json");
        Assert.Equal(expected, driver.LastOptions);
    }

    [Fact]
    public async Task A_failure_names_the_domain_first()
    {
        FakeDomain guest = new("guest\n", null) { Failure = LibvirtError.NotRunning() };
        foreach (string option in new[] { "--live", "--json" })
        {
            Outcome outcome = await CliRun.BallastAsync(new FakeDriver(guest), "dommemstat", "guest\n", option);
            Assert.Equal(
                new Outcome(1, "\n",
                    "error: Failed to get memory statistics for domain guest\\x0a\n"
                    + "error: Requested operation is not valid: domain is not running\n"),
                outcome);
        }
    }

    [Theory]
    [InlineData(7, "", "Live")]
    [InlineData(7, "--current", "Current")]
    [InlineData(7, "--config", "Config")]
    [InlineData(7, "--live --config", "Live, Config")]
    [InlineData(null, "", "Current")]
    [InlineData(null, "--live", "Live")]
    public async Task A_period_is_for_the_running_domain_if_there_is_one(int? id, string options, string impact)
    {
        FakeDriver driver = new(new FakeDomain("guest", id));
        Outcome outcome = await CliRun.BallastAsync(
            driver, ["dommemstat", "guest", "--period", "5", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(new Outcome(0, "\n", ""), outcome);
        Assert.Equal([$"period guest 5 {impact}"], driver.Changes);
    }
}
