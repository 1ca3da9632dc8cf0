using System.Text.RegularExpressions;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Documentation;

/// <summary>The links between the pages lead to files and headings that exist.</summary>
public sealed partial class LinkTests
{
    [Fact]
    public void Links_lead_somewhere()
    {
        int links = 0;
        foreach (string page in (string[])[.. DocumentedCode.Pages, "CHANGELOG.md", "CONTRIBUTING.md", "bindings/python/README.md", "tests/README.md"])
        {
            foreach (Match link in Link().Matches(DocumentedCode.Text(page)))
            {
                string path = link.Groups["path"].Value, anchor = link.Groups["anchor"].Value;
                string target = path.Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, path);
                string full = Path.Combine(NativeProgram.Root, target);
                Assert.True(Path.Exists(full), $"{page}: {link.Value}");
                if (anchor.Length > 0)
                    Assert.True(Heading().Matches(File.ReadAllText(full)).Any(heading => Anchor(heading.Groups[1].Value) == anchor), $"{page}: {link.Value}");
                links++;
            }
        }

        Assert.True(links >= 20);
    }

    // GitHub's rule: lower case, hyphens for spaces, no other punctuation.
    private static string Anchor(string heading) => Punctuation().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\((?!https?:)(?<path>[^)#]*)(?:#(?<anchor>[^)]*))?\)", RegexOptions.CultureInvariant)]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.CultureInvariant)]
    private static partial Regex Punctuation();
}
