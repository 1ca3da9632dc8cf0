using System.Text;

namespace Ballast.Transports;

/// <summary>
/// What a file in the form PEM has (RFC 7468). Text around the blocks is skipped; a block that is not whole never is: what it had
/// would be missed without a word, be it an authority or a list of revoked certificates.
/// </summary>
internal static class PemBlocks
{
    private const string BareBegin = "-----BEGIN", Begin = BareBegin + " ", End = "-----END ", Dashes = "-----";

    /// <summary>All blocks that have one of these labels, in order; those of other labels have to be whole too.</summary>
    /// <exception cref="FormatException">The file is cut off, or damaged.</exception>
    public static List<byte[]> Read(byte[] bytes, params string[] labels)
    {
        string text = Encoding.ASCII.GetString(bytes);
        List<byte[]> found = [];
        int at = 0;
        for (int begin; (begin = text.IndexOf(Begin, at, StringComparison.Ordinal)) >= 0;)
        {
            RequireOutside(text.AsSpan(at, begin - at));
            (string label, string content, at) = Block(text, begin);
            if (labels.Contains(label))
                found.Add(Convert.FromBase64String(content));
        }

        RequireOutside(text.AsSpan(at));
        RequireNoBeginning(text);
        return found;
    }

    private static (string Label, string Content, int End) Block(string text, int begin)
    {
        int labelStart = begin + Begin.Length;
        int labelEnd = text.IndexOf(Dashes, labelStart, StringComparison.Ordinal);
        if (labelEnd < 0 || text.AsSpan(labelStart, labelEnd - labelStart).ContainsAny('\r', '\n'))
            throw new FormatException("a first line of a block is cut off");
        string label = text[labelStart..labelEnd], last = $"{End}{label}{Dashes}";
        int start = labelEnd + Dashes.Length, end = text.IndexOf(Dashes, start, StringComparison.Ordinal);
        return end >= 0 && string.CompareOrdinal(text, end, last, 0, last.Length) == 0
            ? (label, text[start..end], end + last.Length)
            : throw new FormatException($"a block '{label}' has no end");
    }

    private static void RequireOutside(ReadOnlySpan<char> text)
    {
        foreach (ReadOnlySpan<char> line in text.EnumerateLines())
        {
            if (line.Contains(BareBegin, StringComparison.Ordinal) || line.Contains(End, StringComparison.Ordinal)
                || (line.Length > Dashes.Length && line.StartsWith(Dashes, StringComparison.Ordinal) && Begin.StartsWith(line, StringComparison.Ordinal)))
                throw new FormatException("there is only a part of a block");
        }
    }

    // Where a file is cut off in the first line of a block, fewer dashes say so too; before others they are a line between two texts.
    private static void RequireNoBeginning(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> last = text[(text.LastIndexOf('\n') + 1)..];
        if (last.Length > 0 && Begin.StartsWith(last, StringComparison.Ordinal))
            throw new FormatException("the first line of a block is cut off");
    }
}
