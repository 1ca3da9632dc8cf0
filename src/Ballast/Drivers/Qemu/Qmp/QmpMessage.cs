using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

internal enum QmpMessageKind
{
    Greeting,
    Return,
    Error,
    Event,
}

/// <summary>One message of a monitor, taken apart as far as every reader needs: what it is, its id, and where its body lies.</summary>
internal readonly ref struct QmpMessage
{
    private const string NotJson = "it sent something that is not JSON";

    private QmpMessage(int length, QmpMessageKind kind, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data, ReadOnlySpan<byte> id)
    {
        Length = length;
        Kind = kind;
        Body = body;
        Data = data;
        Id = id;
    }

    /// <summary>Its bytes, with the space before it.</summary>
    public int Length { get; }

    public QmpMessageKind Kind { get; }

    /// <summary>JSON of the member that makes the message what it is: <c>return</c>, <c>error</c>, <c>event</c> (a string) or <c>QMP</c>.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>JSON of an event's <c>data</c>; empty where it has none.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>JSON of the reply's <c>id</c>; empty where it has none.</summary>
    public ReadOnlySpan<byte> Id { get; }

    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = QmpLimits.MaxDepth };

    /// <exception cref="InvalidDataException">It is no message of a monitor.</exception>
    public static QmpMessage Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > JsonWords.Unchecked && !JsonWords.AreRight(json))
            throw new InvalidDataException(NotJson);
        try
        {
            return ParseObject(json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(NotJson, e);
        }
    }

    private static QmpMessage ParseObject(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, ReaderOptions);
        QmpMessageKind? kind = null;
        ReadOnlySpan<byte> body = default, data = default, id = default;
        _ = reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            QmpMessageKind? member =
                reader.TextIs("return"u8) ? QmpMessageKind.Return
                : reader.TextIs("event"u8) ? QmpMessageKind.Event
                : reader.TextIs("error"u8) ? QmpMessageKind.Error
                : reader.TextIs("QMP"u8) ? QmpMessageKind.Greeting
                : null;
            bool isId = member is null && reader.TextIs("id"u8);
            bool isData = member is null && !isId && reader.TextIs("data"u8);
            _ = reader.Read();
            ReadOnlySpan<byte> value = Value(json, ref reader);
            if (member is not null)
            {
                if (kind is not null)
                    throw new InvalidDataException("it sent a message of two kinds");
                kind = member;
                body = value;
            }
            else if (isId)
            {
                id = value;
            }
            else if (isData)
            {
                data = value;
            }
        }

        return kind is { } found
            ? new QmpMessage(json.Length, found, body, data, id)
            : throw new InvalidDataException("it sent a message of no known kind");
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> json, scoped ref Utf8JsonReader reader)
    {
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }
}
