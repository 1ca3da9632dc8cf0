using System.Buffers.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Makes the tree of a reply. Whoever reads it needs no care: a tree that would throw, is none.</summary>
internal static class QmpTree
{
    private const int EscapeLength = 6;

    /// <param name="body">JSON that was read once, as a part of a message.</param>
    /// <returns>
    /// Null where it is nothing that a QEMU sends, and so counts as not answered: with a text that is not Unicode, or of so many parts
    /// that the tree would be several times as large as the text.
    /// </returns>
    public static JsonElement? Parse(ReadOnlySpan<byte> body)
    {
        if (!IsBounded(body) || !Utf8.IsValid(body) || !ArePairs(body))
            return null;
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return JsonElement.ParseValue(ref reader);
    }

    private static bool IsBounded(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        bool isList = body[0] == (byte)'[';
        int elements = 0;
        for (int tokens = 0; reader.Read(); tokens++)
        {
            if (isList && reader is { CurrentDepth: 1, TokenType: not (JsonTokenType.EndObject or JsonTokenType.EndArray) })
                elements++;
            if (tokens == QmpLimits.MaxTreeTokens || elements > QmpLimits.MaxElements)
                return false;
        }

        return true;
    }

    // Whether what is escaped, names too, has no half of a surrogate pair without the other. Only strings have backslashes.
    private static bool ArePairs(ReadOnlySpan<byte> json)
    {
        while (json.IndexOf((byte)'\\') is >= 0 and int at)
        {
            json = json[at..];
            char first = Escaped(json);
            bool isPair = char.IsHighSurrogate(first) && char.IsLowSurrogate(Escaped(json[EscapeLength..]));
            if (char.IsSurrogate(first) && !isPair)
                return false;
            json = json[(isPair ? 2 * EscapeLength : 2)..];
        }

        return true;
    }

    /// <summary>The character that is escaped here by its number; NUL where none is.</summary>
    private static char Escaped(ReadOnlySpan<byte> json) =>
        json.Length >= EscapeLength && json.StartsWith("\\u"u8)
        && Utf8Parser.TryParse(json[2..EscapeLength], out ushort unit, out int consumed, 'x') && consumed == EscapeLength - 2
            ? (char)unit
            : '\0';
}
