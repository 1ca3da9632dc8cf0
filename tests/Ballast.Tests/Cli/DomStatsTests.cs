using System.Text.Json;

namespace Ballast.Tests.Cli;

public sealed class DomStatsTests
{
    private static readonly FakeDomain Guest = new("it's\t1", 3)
    {
        Statistics =
        [
            TypedParameter.ULLong("balloon.current", 18446744073709551614), TypedParameter.Int("a.int", -1), TypedParameter.UInt("a.uint", 4294967295),
            TypedParameter.LLong("a.llong", long.MinValue), TypedParameter.Double("a.double", 0.5), TypedParameter.Double("a.nan", double.NaN),
            TypedParameter.Boolean("a.bool", true), TypedParameter.String("a.text", "x\ny"),
        ],
    };

    private static readonly FakeDomain Empty = new("off", null);

    [Fact]
    public async Task Records_are_parted_by_a_blank_line_and_names_are_harmless()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(Guest, Empty), "-q", "domstats");
        Assert.Equal(
            """
            Domain: 'it's\x091'
              balloon.current=18446744073709551614
              a.int=-1
              a.uint=4294967295
              a.llong=-9223372036854775808
              a.double=0.500000
              a.nan=NaN
              a.bool=yes
              a.text=x\x0ay

            Domain: 'off'

            """, outcome.Output);
    }

    [Fact]
    public async Task JSON_keeps_types()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(Guest, Empty), "-q", "domstats", "--json", "--balloon");
        JsonElement json = JsonDocument.Parse(outcome.Output).RootElement;
        JsonElement stats = json[0].GetProperty("stats");
        Assert.Equal(18446744073709551614, stats.GetProperty("balloon.current").GetUInt64());
        Assert.Equal(-1, stats.GetProperty("a.int").GetInt32());
        Assert.Equal(4294967295, stats.GetProperty("a.uint").GetUInt32());
        Assert.Equal(long.MinValue, stats.GetProperty("a.llong").GetInt64());
        Assert.Equal(0.5, stats.GetProperty("a.double").GetDouble());
        Assert.Equal(JsonValueKind.Null, stats.GetProperty("a.nan").ValueKind);
        Assert.True(stats.GetProperty("a.bool").GetBoolean());
        Assert.Equal("x\ny", stats.GetProperty("a.text").GetString());
        Assert.Equal("it's\t1", json[0].GetProperty("domain").GetProperty("name").GetString());
        Assert.Equal("never reported", json[0].GetProperty("memory").GetProperty("reason").GetString());
        Assert.Equal(JsonValueKind.Null, json[1].GetProperty("memory").ValueKind);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("--balloon", true)]
    [InlineData("--state", false)]
    public async Task JSON_tells_about_memory_where_the_balloon_was_asked_for(string group, bool expected)
    {
        Outcome outcome = await CliRun.BallastAsync(
            new FakeDriver(Guest), ["-q", "domstats", "--json", .. group.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(expected, JsonDocument.Parse(outcome.Output).RootElement[0].TryGetProperty("memory", out _));
    }

    [Theory]
    [InlineData("", "All", "None")]
    [InlineData("--state --balloon", "State, Balloon", "None")]
    [InlineData("--cpu-total --vcpu --interface --block --perf", "CpuTotal, Vcpu, Interface, Block, Perf", "None")]
    [InlineData("--iothread --memory --dirtyrate --vm", "Iothread, Memory, DirtyRate, Vm", "None")]
    [InlineData("--list-active --list-persistent --list-running --list-other", "All", "Active, Persistent, Running, Other")]
    [InlineData("--list-inactive --list-transient --list-paused --list-shutoff", "All", "Inactive, Transient, Paused, Shutoff")]
    [InlineData("--raw --nowait --backing --enforce", "All", "NoWait, Backing, EnforceStats")]
    public async Task Options_become_libvirts_flags(string options, string groups, string flags)
    {
        FakeDriver driver = new(Guest);
        _ = await CliRun.BallastAsync(driver, ["domstats", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal([$"stats {groups}; {flags}"], driver.Changes);
    }
}
