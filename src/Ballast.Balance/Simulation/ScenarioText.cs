using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Ballast.Balance.Simulation;

/// <summary>A scenario's text, and where in it something is wrong: all complaints about scenarios are made here.</summary>
internal sealed class ScenarioText
{
    private const string Described = "docs/balance-files.md describes scenarios";
    private const int MostShown = 40;

    private readonly ReadOnlyMemory<byte> _json;

    public ScenarioText(ReadOnlyMemory<byte> json)
    {
        // Some editors put a mark before UTF-8.
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        _json = json.Span.StartsWith(mark) ? json[mark.Length..] : json;
    }

    /// <exception cref="InvalidDataException">It is not JSON.</exception>
    public JsonDocument Parse()
    {
        if (_json.Span.Trim(" \t\r\n"u8).IsEmpty)
            throw new InvalidDataException($"the scenario is empty; {Described}");
        try
        {
            return JsonDocument.Parse(_json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"{Place(OffsetOf(e.LineNumber ?? 0, e.BytePositionInLine ?? 0))}: the scenario is not JSON: {Complaint(e)}; {Described}", e);
        }
    }

    /// <summary>A complaint with the place of what it is about.</summary>
    public InvalidDataException Wrong(JsonElement at, string complaint, Exception? cause = null) =>
        new($"{Place(_json.Span.Overlaps(JsonMarshal.GetRawUtf8Value(at), out int offset) ? offset : 0)}: {complaint}", cause);

    /// <summary>A value as it is written, cut where it is long.</summary>
    public static string Shown(JsonElement value)
    {
        // As bytes: what stands between quotes may be no text.
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value);
        if (raw.Length <= MostShown && !raw.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            return Encoding.ASCII.GetString(raw);
        return value.ValueKind switch
        {
            JsonValueKind.Number => $"{Encoding.ASCII.GetString(raw[..MostShown])}…",
            JsonValueKind.Array => "a list",
            JsonValueKind.Object => "an object",
            _ => "a text",
        };
    }

    private static string Complaint(JsonException e)
    {
        // It adds the place, counted from 0, and quotes a wrong word with all that follows it.
        int place = e.Message.LastIndexOf(" LineNumber:", StringComparison.Ordinal);
        string what = (place < 0 ? e.Message : e.Message[..place]).TrimEnd('.');
        int quoteEnd = what.LastIndexOf("' is an invalid JSON literal", StringComparison.Ordinal);
        if (quoteEnd < 0)
            return what;
        string word = what[1..quoteEnd].Split([' ', '\t', '\r', '\n', ',', ':', '"', '{', '}', '[', ']'], 2)[0];
        return $"'{(word.Length > MostShown ? $"{word[..MostShown]}…" : word)}{what[quoteEnd..]}";
    }

    private int OffsetOf(long line, long position)
    {
        int start = 0;
        for (long left = line; left > 0; left--)
            start += _json.Span[start..].IndexOf((byte)'\n') + 1;
        return (int)Math.Min(start + position, _json.Length);
    }

    private string Place(int offset)
    {
        ReadOnlySpan<byte> before = _json.Span[..offset];
        int line = before.Count((byte)'\n') + 1, start = before.LastIndexOf((byte)'\n') + 1;
        return string.Create(CultureInfo.InvariantCulture, $"line {line}, column {Encoding.UTF8.GetCharCount(before[start..]) + 1}");
    }
}
