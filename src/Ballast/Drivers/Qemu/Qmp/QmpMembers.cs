using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Finds and reads single members of a message's JSON, without making a tree of it.</summary>
internal static class QmpMembers
{
    /// <summary>A reader at the first token.</summary>
    /// <exception cref="InvalidDataException">It is another token, with the complaint as its message.</exception>
    public static Utf8JsonReader Open(ReadOnlySpan<byte> body, JsonTokenType type, string complaint)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == type ? reader : throw new InvalidDataException(complaint);
    }

    /// <summary>Goes from the start of an object to the value of its member; where there is none, the reader's place is unspecified.</summary>
    public static bool Find(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool found = reader.TextIs(name);
            _ = reader.Read();
            if (found)
                return true;
            reader.Skip();
        }

        return false;
    }

    /// <summary>The string member of a reply, or null where it is absent or no string.</summary>
    public static string? ReadText(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        Utf8JsonReader reader = Open(body, JsonTokenType.StartObject, "its reply is not an object");
        return Find(ref reader, name) && reader.TokenType == JsonTokenType.String ? QmpText.Read(ref reader) : null;
    }

    /// <summary>Whether the member is <c>true</c>; false where it is absent or anything else.</summary>
    public static bool IsTrue(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == JsonTokenType.StartObject && Find(ref reader, name)
            && reader.TokenType == JsonTokenType.True;
    }

    /// <summary>The member of a reply that tells which question it answers; null where its value is no number from 0 to 2^64 − 1.</summary>
    /// <exception cref="InvalidDataException">There is no such member, so it answers something else.</exception>
    public static ulong? ReadNumber(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name, string command)
    {
        // No text is made before there is something to complain about: every call comes by here.
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == JsonTokenType.StartObject && Find(ref reader, name)
            ? ReadNumber(ref reader)
            : throw new InvalidDataException($"its reply to {command} has another shape");
    }

    /// <summary>The value that the reader stands at, which it passes over; null where it is no number from 0 to 2^64 − 1.</summary>
    public static ulong? ReadNumber(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number)
            return reader.TryGetUInt64(out ulong value) ? value : null;
        reader.Skip();
        return null;
    }
}
