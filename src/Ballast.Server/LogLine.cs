using System.Globalization;
using System.Text;
using Ballast.Drivers;

namespace Ballast.Server;

/// <summary>Text of clients, of guests and of errors on its way into a log: whatever it is, it is one line of bounded length.</summary>
internal static class LogLine
{
    /// <summary>Characters of a line at most, but for the mark that there were more.</summary>
    public const int Most = 8192;

    // Names that anybody reads are shorter.
    private const int MostOfName = 256;

    /// <summary>As a line that no terminal obeys: control characters are escaped, and what is too long ends with <c>…</c>.</summary>
    public static string Of(string text)
    {
        text = DisplayText.Clip(text, Most);
        if (!text.Any(char.IsControl))
            return text;
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
            _ = char.IsControl(c) ? escaped.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}") : escaped.Append(c);
        return DisplayText.Clip(escaped.ToString(), Most);
    }

    /// <summary>A name between quotes: it stays within them, and takes no more of the line than a name should.</summary>
    public static string Quote(string name) => DisplayText.Quote(DisplayText.Clip(name, MostOfName));
}
