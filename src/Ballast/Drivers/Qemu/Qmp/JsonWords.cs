namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Looks at the bare words of JSON before it is read: <c>true</c>, <c>false</c> and <c>null</c>. <see cref="System.Text.Json.Utf8JsonReader"/>
/// complains of another word with all the bytes that follow it, as a text that its exception keeps: of a message of 1 MiB it makes 10 MiB.
/// </summary>
internal static class JsonWords
{
    /// <summary>Bytes of JSON that a complaint may quote.</summary>
    public const int Unchecked = 1024;

    /// <summary>Whether a word is wrong, as far as the JSON is right up to it; nothing else is looked at.</summary>
    public static bool AreRight(ReadOnlySpan<byte> json)
    {
        while (true)
        {
            int at = json.IndexOfAny("\"tfn"u8);
            if (at < 0)
                return true;
            json = json[at..];
            int length = json[0] == (byte)'"' ? StringLength(json) : WordLength(json);
            if (length == 0)
                return false;
            json = json[length..];
        }
    }

    private static int WordLength(ReadOnlySpan<byte> json) =>
        json.StartsWith("true"u8) || json.StartsWith("null"u8) ? 4
        : json.StartsWith("false"u8) ? 5
        : 0;

    /// <summary>Bytes of the string at the beginning, with its quotes; all where it does not end.</summary>
    private static int StringLength(ReadOnlySpan<byte> json)
    {
        int length = 1;
        while (json[length..].IndexOfAny((byte)'"', (byte)'\\') is >= 0 and int found)
        {
            length += found + 1;
            if (json[length - 1] == (byte)'"')
                return length;
            if (length++ == json.Length)
                break;
        }

        return json.Length;
    }
}
