using System.Globalization;
using System.Text;

namespace Ballast.Drivers;

/// <summary>Text of strangers (guests' names, programs) on its way into messages.</summary>
internal static class DisplayText
{
    /// <summary>
    /// Characters that rule a terminal or hide in a line (controls, line ends, directions, what has no width) as <c>\xNN</c> or
    /// <c>\uNNNN</c>; so are bytes of a file's name that are no text.
    /// </summary>
    public static string Escape(string text) => Escape(text, quote: null);

    /// <summary>The same between quotes, which it cannot end.</summary>
    public static string Quote(string text) => $"'{Escape(text, quote: '\'')}'";

    /// <summary>At most so many characters of it, with <c>…</c> where there are more; no character is cut in two.</summary>
    public static string Clip(string text, int most) =>
        text.Length <= most ? text : $"{text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)}…";

    private static string Escape(string text, char? quote)
    {
        text = PathText.Escaped(text);
        if (!text.Any(c => IsUnsafe(c, quote)))
            return text;
        StringBuilder escaped = new();
        foreach (char c in text)
        {
            _ = !IsUnsafe(c, quote) ? escaped.Append(c)
                : c <= byte.MaxValue ? escaped.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}")
                : escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return escaped.ToString();
    }

    private static bool IsUnsafe(char c, char? quote) => c == quote || char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
