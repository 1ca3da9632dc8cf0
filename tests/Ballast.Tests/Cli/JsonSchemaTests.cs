using System.Text.Json;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Cli;

/// <summary>docs/cli-json.md says what the programs write, whole.</summary>
public sealed class JsonSchemaTests
{
    private static readonly string[] Documented = Column("## A sample of memory");

    [Theory]
    [InlineData("dommemstat idle-00001 --json", "")]
    [InlineData("dommemstat --all --json", "")]
    [InlineData("dommemstat --all --refresh --json", "")]
    [InlineData("list --json", "memory")]
    [InlineData("domstats --json", "memory")]
    [InlineData("domstats --balloon --json", "memory")]
    public async Task Every_command_writes_all_members_and_no_other(string command, string member)
    {
        foreach (JsonElement one in await ReadAsync(command))
        {
            JsonElement sample = member.Length == 0 ? one : one.GetProperty(member);
            IEnumerable<string> expected = member.Length == 0 ? Documented : Documented.Where(name => name != "domain");
            Assert.Equal(expected, sample.EnumerateObject().Select(property => property.Name));
        }
    }

    [Fact]
    public async Task All_commands_say_the_same()
    {
        Dictionary<string, string> single = (await ReadAsync("dommemstat --all --json")).ToDictionary(
            one => one.GetProperty("domain").GetProperty("name").GetString()!, one => one.GetProperty("reason").GetString()!);
        Assert.Equal(single, (await ReadAsync("list --json")).ToDictionary(
            one => one.GetProperty("name").GetString()!, one => one.GetProperty("memory").GetProperty("reason").GetString()!));
        Assert.Equal(single, (await ReadAsync("domstats --json")).ToDictionary(
            one => one.GetProperty("domain").GetProperty("name").GetString()!, one => one.GetProperty("memory").GetProperty("reason").GetString()!));
        Assert.True(single.Values.Distinct().Count() > 5);
    }

    [Fact]
    public void Every_reason_is_explained() =>
        Assert.Equal(Enum.GetValues<MemoryStatsReason>().Select(reason => reason.Label()), Column("## Reasons"));

    [Fact]
    public void Every_inconsistency_and_formula_is_explained()
    {
        string text = Text();
        Assert.All(
            Enum.GetValues<MemoryStatsInconsistency>().Where(one => one != MemoryStatsInconsistency.None),
            one => Assert.Contains($"`{one.Label()}`", text, StringComparison.Ordinal));
        Assert.All(
            Enum.GetValues<UsedMemoryFormula>().Select(formula => formula.Label()).Select(formula => formula.Replace(" - balloon", "", StringComparison.Ordinal)),
            formula => Assert.Contains($"`{formula}`", text, StringComparison.Ordinal));
    }

    private static async Task<JsonElement[]> ReadAsync(string command)
    {
        Outcome outcome = await CliRun.BallastAsync(["-q", "-c", "test:///fleet?domains=30&seed=5", .. command.Split(' ')], open: null);
        JsonElement root = JsonDocument.Parse(outcome.Output).RootElement;
        return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : [root];
    }

    private static string Text() => File.ReadAllText(Path.Combine(NativeProgram.Root, "docs/cli-json.md"));

    private static string[] Column(string heading)
    {
        string section = Text().Split(heading)[1].Split("\n## ")[0];
        return [.. section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1])];
    }
}
