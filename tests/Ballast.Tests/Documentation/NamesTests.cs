using System.Text.RegularExpressions;
using Ballast.Cli.Commands;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Documentation;

/// <summary>What the pages name exists: types and members in the sources, commands in the table.</summary>
public sealed partial class NamesTests
{
    private static readonly Lazy<IReadOnlySet<string>> Words = new(() => ((string[])["src", "tests"])
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(NativeProgram.Root, folder), "*.cs", SearchOption.AllDirectories))
        .SelectMany(file => Word().Matches(File.ReadAllText(file)).Select(match => match.Value)).ToHashSet(StringComparer.Ordinal));

    [Theory]
    [InlineData("docs/architecture.md", 30)]
    [InlineData("docs/qemu.md", 20)]
    [InlineData("docs/protocol.md", 20)]
    [InlineData("docs/decisions.md", 20)]
    [InlineData("CONTRIBUTING.md", 10)]
    [InlineData("tests/README.md", 0)]
    public void Types_and_members_of_a_page_are_in_the_sources(string page, int atLeast)
    {
        string[] names = [.. Name().Matches(DocumentedCode.Text(page)).Select(match => match.Groups[1].Value).Distinct()];
        Assert.True(names.Length >= atLeast, $"only {names.Length} names were found in {page}");
        Assert.All(names.SelectMany(name => name.Split('.')), name => Assert.Contains(name, Words.Value));
    }

    [Fact]
    public void Commands_of_the_changelog_are_in_the_table()
    {
        string text = DocumentedCode.Text("CHANGELOG.md");
        int start = text.IndexOf("- virsh's commands", StringComparison.Ordinal);
        Assert.True(start >= 0);
        string[] commands =
        [
            .. Quoted().Matches(text[start..text.IndexOf("\n- ", start, StringComparison.Ordinal)])
                .Select(match => match.Groups[1].Value).Where(word => word[0] != '-'),
        ];
        Assert.True(commands.Length > 30);
        Assert.All(commands, command => Assert.Contains(command, CommandTable.Names));
    }

    // A name with a capital inside, such as QmpMonitor or MemoryStats.After.
    [GeneratedRegex(@"`([A-Z]\w*[a-z][A-Z]\w*(?:\.[A-Z]\w*)*)`", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex("`([^`]+)`", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\w+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
