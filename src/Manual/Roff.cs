using System.Text;
using System.Text.RegularExpressions;

namespace Ballast.Manual;

/// <summary>
/// A manual page in the man macros, from the same text that help shows. ballast and ballastd both compile this file.
/// </summary>
/// <param name="name">The page's.</param>
/// <param name="section">Its number.</param>
/// <param name="version">Of the program.</param>
/// <param name="title">What the section is called.</param>
internal sealed partial class Roff(string name, int section, string version, string title)
{
    private readonly StringBuilder _text = new StringBuilder()
        .Append(".\\\" Made from the program's own tables: change them instead.\n")
        .Append($".TH {name.ToUpperInvariant()} {section} \"\" \"Ballast {Escape(version)}\" \"{title}\"\n.nh\n.ad l\n");

    // A heading begins a paragraph by itself.
    private bool _isBegun;

    public override string ToString() => _text.ToString();

    public Roff Section(string heading) => Heading($".SH \"{Escape(heading.ToUpperInvariant())}\"");

    public Roff Subsection(string heading) => Heading($".SS \"{Escape(heading)}\"");

    /// <summary>A paragraph; <c>`code`</c> becomes bold.</summary>
    public Roff Paragraph(string text) => Begin().Filled(text);

    /// <summary>What is explained, and its explanation.</summary>
    public Roff Item(string tag, string text) => Line(".TP").Line($"\\fB{Escape(tag)}\\fP").Filled(text);

    /// <summary>What follows belongs to the item before.</summary>
    public Roff Indent() => Line(".RS");

    public Roff Outdent() => Line(".RE");

    /// <summary>Lines as they are.</summary>
    public Roff Example(string text)
    {
        Begin().Line(".nf").Line(".RS");
        foreach (string line in text.TrimEnd('\n').Split('\n'))
            Line(Escape(line) is { Length: > 0 } escaped ? Protect(escaped) : "\\&");
        return Line(".RE").Line(".fi");
    }

    /// <summary>
    /// Help as a terminal shows it: paragraphs with empty lines between them, in which a line that is indented by two begins
    /// an item — its name, blanks, its text — and one that is indented further goes on with it.
    /// </summary>
    public Roff Help(string text)
    {
        foreach (string block in text.Trim('\n').Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            List<string> plain = [];
            (string Tag, List<string> Text)? item = null;
            foreach (string line in block.Split('\n'))
            {
                if (ItemLine().Match(line) is { Success: true } found)
                {
                    Flush(plain, ref item);
                    item = (found.Groups[1].Value, [found.Groups[2].Value]);
                }
                else if (item is { } open && line.StartsWith("    ", StringComparison.Ordinal))
                {
                    open.Text.Add(line.Trim());
                }
                else
                {
                    if (item is not null)
                        Flush(plain, ref item);
                    plain.Add(line.Trim());
                }
            }

            Flush(plain, ref item);
        }

        return this;
    }

    private void Flush(List<string> plain, ref (string Tag, List<string> Text)? item)
    {
        if (plain.Count > 0)
            Paragraph(string.Join(' ', plain));
        plain.Clear();
        if (item is { } open)
            Item(open.Tag, string.Join(' ', open.Text).Trim());
        item = null;
    }

    private Roff Heading(string line)
    {
        Line(line);
        _isBegun = true;
        return this;
    }

    private Roff Begin() => _isBegun ? this : Line(".PP");

    private Roff Filled(string text) => Line(Protect(CodeText().Replace(Escape(text), "\\fB$1\\fP")));

    private Roff Line(string line)
    {
        _isBegun = false;
        _text.Append(line.Length > 0 ? line : "\\&").Append('\n');
        return this;
    }

    // A line that begins so would be a request.
    private static string Protect(string line) => line is ['.' or '\'', ..] ? "\\&" + line : line;

    // Characters that have a meaning, or that would be shown as their typographic relatives, which no shell understands.
    private static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length + 16);
        foreach (char c in text)
        {
            _ = c switch
            {
                '\\' => escaped.Append("\\e"),
                '-' => escaped.Append("\\-"),
                '^' => escaped.Append("\\(ha"),
                '~' => escaped.Append("\\(ti"),
                '"' => escaped.Append("\\(dq"),
                '\'' => escaped.Append("\\(aq"),
                >= '\x80' => escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\[u{(int)c:X4}]"),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }

    [GeneratedRegex(@"^  (\S(?:.*?\S)?)(?:\s{2,}(\S.*))?$")]
    private static partial Regex ItemLine();

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex CodeText();
}
