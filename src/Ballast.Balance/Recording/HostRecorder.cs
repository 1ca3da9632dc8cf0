using System.Buffers;
using System.IO.Compression;
using System.Text.Json;
using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>
/// Writes what is seen of a host into a stream: JSON lines, compressed by gzip. Each line is there to the end before the next one
/// begins, so that a record which is cut off can be read up to there. Disposing it ends the compressed data, not the stream.
/// </summary>
public sealed class HostRecorder : IDisposable
{
    // What ends a record, and what compression may add to a line.
    private const int Trailer = 256, Overhead = 256;
    private const int OverheadPart = 1000;

    private readonly Stream _stream;
    private readonly long _maxBytes;
    private readonly MemoryStream _compressed = new();
    private readonly GZipStream _gzip;
    private readonly ArrayBufferWriter<byte> _line = new();
    private bool _hasFailed;

    /// <param name="stream">Where to; it is written to only.</param>
    /// <param name="header">What the record begins with.</param>
    /// <param name="maxBytes">How large it may grow.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public HostRecorder(Stream stream, RecordHeader header, long maxBytes)
    {
        ArgumentNullException.ThrowIfNull(header);
        _stream = stream;
        _maxBytes = maxBytes;
        _gzip = new GZipStream(_compressed, CompressionLevel.Optimal, leaveOpen: true);
        _ = Append(json => RecordDocument.WriteHeader(json, header), isLast: true);
    }

    /// <summary>How many bytes it has written.</summary>
    public long Written { get; private set; }

    /// <summary>Writes what is seen.</summary>
    /// <param name="seen">The host and its guests.</param>
    /// <param name="time">Seconds since the record began, on a clock that does not go back.</param>
    /// <returns>False where it would become larger than it may; then nothing is written.</returns>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public bool TryWrite(SeenHost seen, double time)
    {
        ArgumentNullException.ThrowIfNull(seen);
        return Append(json => RecordDocument.WriteLook(json, time, seen.Memory, seen.Guests.Select(GuestFacts.Of).DistinctBy(guest => guest.Uuid)), isLast: false, elseMissed: time);
    }

    /// <summary>Writes that a look failed.</summary>
    /// <param name="reason">Why, in one sentence.</param>
    /// <param name="time">Seconds since the record began.</param>
    /// <inheritdoc cref="TryWrite" path="/returns|/exception"/>
    public bool TryWriteMissed(string reason, double time) => Append(json => RecordDocument.WriteMissed(json, time, reason), isLast: false);

    /// <summary>Writes why it ends; nothing where it could not be written before: who knows how much of that is there.</summary>
    /// <param name="end">Why.</param>
    /// <param name="time">Seconds since the record began.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void End(RecordEnd end, double time)
    {
        if (_hasFailed)
            return;
        _ = Append(json => RecordDocument.WriteEnd(json, time, end), isLast: true);
        _gzip.Dispose();
        Send();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gzip.Dispose();
        _compressed.Dispose();
    }

    private bool Append(Action<Utf8JsonWriter> write, bool isLast, double? elseMissed = null)
    {
        Format(write);

        // No reader takes a longer line, and what follows it would be lost.
        if (elseMissed is { } time && _line.WrittenCount > RecordFormat.MaxLineBytes)
            Format(json => RecordDocument.WriteMissed(json, time, "the sample is too large for a record"));
        int most = _line.WrittenCount + (_line.WrittenCount / OverheadPart) + Overhead + Trailer;
        if (!isLast && Written + most > _maxBytes)
            return false;
        _gzip.Write(_line.WrittenSpan);
        _gzip.Flush();
        Send();
        return true;
    }

    private void Format(Action<Utf8JsonWriter> write)
    {
        _line.ResetWrittenCount();
        using (Utf8JsonWriter json = new(_line))
            write(json);
        _line.Write("\n"u8);
    }

    private void Send()
    {
        if (_compressed.Length == 0)
            return;
        _hasFailed = true;
        _stream.Write(_compressed.GetBuffer().AsSpan(0, (int)_compressed.Length));
        _stream.Flush();
        _hasFailed = false;
        Written += _compressed.Length;
        _compressed.SetLength(0);
    }
}
