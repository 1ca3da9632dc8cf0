using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

internal enum QmpErrorClass
{
    /// <summary>GenericError, and classes that QEMU may yet invent.</summary>
    Generic,
    CommandNotFound,
    DeviceNotActive,
    DeviceNotFound,
    KvmMissingCap,
}

/// <summary>A monitor's error reply.</summary>
internal sealed record QmpError(QmpErrorClass Class, string Description)
{
    public static QmpError Parse(ReadOnlySpan<byte> body)
    {
        QmpErrorClass @class = QmpErrorClass.Generic;
        string description = "";
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        _ = reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new InvalidDataException("it sent an error that is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isClass = reader.TextIs("class"u8);
            bool isDescription = reader.TextIs("desc"u8);
            _ = reader.Read();
            if (isClass && reader.TokenType == JsonTokenType.String)
                @class = ParseClass(ref reader);
            else if (isDescription && reader.TokenType == JsonTokenType.String)
                description = QmpText.Read(ref reader);
            else
                reader.Skip();
        }

        return new QmpError(@class, description);
    }

    private static QmpErrorClass ParseClass(ref Utf8JsonReader reader) =>
        reader.TextIs("CommandNotFound"u8) ? QmpErrorClass.CommandNotFound
        : reader.TextIs("DeviceNotActive"u8) ? QmpErrorClass.DeviceNotActive
        : reader.TextIs("DeviceNotFound"u8) ? QmpErrorClass.DeviceNotFound
        : reader.TextIs("KVMMissingCap"u8) ? QmpErrorClass.KvmMissingCap
        : QmpErrorClass.Generic;
}

/// <summary>Text from a monitor, which may be anything.</summary>
internal static class QmpText
{
    /// <summary>
    /// Whether the name or string is these bytes. QEMU escapes none of what is looked for, and the reader's own comparison
    /// throws where an escape is no valid UTF-16.
    /// </summary>
    public static bool TextIs(this ref Utf8JsonReader reader, scoped ReadOnlySpan<byte> text) =>
        !reader.ValueIsEscaped && reader.ValueSpan.SequenceEqual(text);

    public static string Read(ref Utf8JsonReader reader)
    {
        string text;
        try
        {
            text = reader.GetString() ?? "";
        }
        catch (InvalidOperationException e)
        {
            // A string whose escapes are no valid UTF-16.
            throw new InvalidDataException("it sent text that is not Unicode", e);
        }

        if (text.Length <= QmpLimits.MaxTextLength)
            return text;
        // Not through the middle of a character.
        int length = QmpLimits.MaxTextLength;
        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}
