using System.Globalization;
using System.Text;

namespace Ballast.Cli.Output;

/// <summary>
/// Makes text of guests, monitors and callers harmless for a terminal: what would move the cursor, change colours or
/// reverse the direction of writing is shown as the <c>\xNN</c> of its UTF-8 bytes.
/// </summary>
internal static class SafeText
{
    public static string Escape(string text)
    {
        foreach (char c in text)
        {
            if (c is < ' ' or >= '\x7f')
                return EscapeSlowly(text);
        }

        return text;
    }

    /// <summary>The same of a text of several lines: what breaks and indents them stays.</summary>
    public static string EscapeLines(string text) =>
        string.Join('\n', text.Split('\n').Select(line => string.Join('\t', line.Split('\t').Select(Escape))));

    /// <summary>The number of terminal columns that the text takes.</summary>
    public static int Width(string text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes())
            width += Width(rune);
        return width;
    }

    /// <summary>Breaks a line between words, and within a word that has no room by itself.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        string? line = null;
        foreach (string word in text.Split(' '))
        {
            if (line?.Trim().Length > 0 && Width(line) + 1 + Width(word) > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = line is null ? word : $"{line} {word}";
            }

            for (; Width(line) > width; line = line[Fitting(line, width)..])
                yield return line[..Fitting(line, width)];
        }

        yield return line ?? "";
    }

    /// <summary>How many characters of a text fit; at least one, and no half of a pair.</summary>
    private static int Fitting(string text, int width)
    {
        int length = 0, columns = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            columns += Width(rune);
            if (columns > width && length > 0)
                break;
            length += rune.Utf16SequenceLength;
        }

        return length;
    }

    private static string EscapeSlowly(string text)
    {
        StringBuilder safe = new(text.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!IsDangerous(rune))
            {
                _ = safe.Append(rune.ToString());
                continue;
            }

            foreach (byte b in utf8[..rune.EncodeToUtf8(utf8)])
                _ = safe.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        }

        return safe.ToString();
    }

    private static bool IsDangerous(Rune rune) =>
        Rune.IsControl(rune)
        || rune.Value is 0x2028 or 0x2029 // line and paragraph separator
            or 0x200e or 0x200f or 0x061c or (>= 0x202a and <= 0x202e) or (>= 0x2066 and <= 0x2069); // direction

    private static int Width(Rune rune)
    {
        if (rune.IsAscii)
            return 1;
        if (Rune.GetUnicodeCategory(rune) is
            UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format)
        {
            return 0;
        }

        // The blocks of East Asian wide characters and of emoji.
        return rune.Value is (>= 0x1100 and <= 0x115f) or (>= 0x2e80 and <= 0xa4cf and not 0x303f)
            or (>= 0xac00 and <= 0xd7a3) or (>= 0xf900 and <= 0xfaff) or (>= 0xfe30 and <= 0xfe6f)
            or (>= 0xff00 and <= 0xff60) or (>= 0xffe0 and <= 0xffe6) or (>= 0x1f300 and <= 0x1f64f)
            or (>= 0x1f900 and <= 0x1f9ff) or (>= 0x20000 and <= 0x3fffd)
            ? 2
            : 1;
    }
}
