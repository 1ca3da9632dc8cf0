using System.Text.RegularExpressions;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Documentation;

/// <summary>The fenced code blocks of README.md and docs/*.md.</summary>
internal static partial class DocumentedCode
{
    public static IReadOnlyList<string> Pages { get; } =
    [
        "README.md",
        .. Directory.EnumerateFiles(Path.Combine(NativeProgram.Root, "docs"), "*.md")
            .Select(path => $"docs/{Path.GetFileName(path)}").Order(StringComparer.Ordinal),
    ];

    /// <summary>The blocks marked with the language, each named by its page and its place on it.</summary>
    public static IReadOnlyList<(string Name, string Code)> Blocks(string language) =>
    [
        .. from page in Pages
           from block in Block().Matches(Text(page)).Where(block => block.Groups["language"].Value == language).Index()
           select ($"{page} {language} {block.Index + 1}", block.Item.Groups["code"].Value),
    ];

    public static string Text(string page) => File.ReadAllText(Path.Combine(NativeProgram.Root, page));

    [GeneratedRegex(@"^```(?<language>[a-z]*)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Block();
}
