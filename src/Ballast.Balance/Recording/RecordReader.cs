using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>Reads a record line by line. What is cut off at its end is left out.</summary>
internal sealed class RecordReader : IDisposable
{
    private static readonly JsonDocumentOptions Shallow = new() { MaxDepth = 8 };

    private readonly RecordStream _text;
    private readonly BoundedLines _lines;
    private readonly HashSet<Guid> _guests = [];
    private JsonDocument? _document;
    private double _time;

    /// <param name="file">A record, compressed or not.</param>
    /// <param name="maxLineBytes">How long a line may be.</param>
    /// <param name="cancellationToken">Ends reading.</param>
    /// <exception cref="InvalidDataException">It is no record, or one of a version that is not known.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public RecordReader(Stream file, int maxLineBytes = BoundedLines.DefaultBytes, CancellationToken cancellationToken = default)
    {
        _text = new RecordStream(file, cancellationToken);
        _lines = new BoundedLines(_text.Read, maxLineBytes);
        JsonElement line;
        try
        {
            if (!TryReadLine(out line))
                throw new InvalidDataException(_lines.IsWhole ? "it is empty" : "its first line breaks off");
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"it is not a record of a host: {e.Message}", e);
        }

        Header = At(() => RecordedLine.ReadHeader(line));
    }

    public RecordHeader Header { get; }

    /// <summary>How it ended, as far as it was read.</summary>
    public RecordEnd End { get; private set; }

    /// <summary>How many looks failed, as far as it was read.</summary>
    public int Missed { get; private set; }

    /// <summary>The next look; null at the end.</summary>
    /// <exception cref="InvalidDataException">A line is wrong; the message says which and why.</exception>
    public RecordedLook? Read()
    {
        while (End == RecordEnd.Cut && TryReadLine(out JsonElement line))
        {
            if (At(() => ReadLook(line)) is { } look)
                return look;
        }

        return null;
    }

    public void Dispose()
    {
        _document?.Dispose();
        _text.Dispose();
    }

    private RecordedLook? ReadLook(JsonElement line)
    {
        RecordMembers members = RecordMembers.Object(line, "the line");
        double time = members.Seconds("time") ?? throw members.Missing("time");
        if (time < _time)
            throw members.Wrong("time", "after the line before it");
        _time = time;
        if (members.TextOrNull("end") is not null)
        {
            // A newer program may have a reason that is not known here.
            End = RecordWords.Find<RecordEnd>(members.TextOrNull("end"), RecordWords.Of) ?? RecordEnd.Interrupted;
            return null;
        }

        if (members.TextOrNull("missed") is null)
            return Bounded(RecordedLine.ReadLook(members, time));
        Missed++;
        return null;
    }

    // Whoever replays a record keeps something of each guest to its end.
    private RecordedLook Bounded(RecordedLook look)
    {
        foreach (GuestFacts guest in look.Guests)
        {
            if (_guests.Add(guest.Uuid) && _guests.Count > RecordFormat.MaxGuests)
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"with it, the record has more than {RecordFormat.MaxGuests} guests"));
        }

        return look;
    }

    // The line is valid until the next one is read: a copy of a long one would cost much.
    private bool TryReadLine(out JsonElement value)
    {
        value = default;
        _document?.Dispose();
        _document = null;
        ReadOnlyMemory<byte> line;
        do
        {
            // A last line without its end was under way when somebody pulled the plug.
            try
            {
                if (!_lines.TryRead(out line) || !_lines.IsWhole)
                    return false;
            }
            catch (DamagedDataException e)
            {
                throw new InvalidDataException($"its compressed data is damaged after line {_lines.Number}", e);
            }
        }
        while (line.Length == 0);
        if (!Utf8.IsValid(line.Span))
            throw new InvalidDataException($"line {_lines.Number} is not UTF-8");
        try
        {
            _document = JsonDocument.Parse(line, Shallow);
            value = _document.RootElement;
            return true;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"line {_lines.Number} is not JSON", e);
        }
    }

    /// <summary>Says of what is wrong in which line it is.</summary>
    private T At<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"line {_lines.Number}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // Half a character, or bytes that are none.
            throw new InvalidDataException($"line {_lines.Number}: it has a text that is not Unicode", e);
        }
    }
}
