using System.Buffers;
using System.IO.Compression;
using System.Text.Json;
using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>
/// Records samples of a host in a stream: JSON lines, compressed by gzip. Each line is written completely before the next one begins, so a
/// truncated record can be read up to its end. Disposing the recorder ends the compressed data; the stream stays open.
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

    /// <param name="stream">The stream to write to.</param>
    /// <param name="header">The beginning of the record.</param>
    /// <param name="maxBytes">The maximum size of the record, in bytes.</param>
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

    /// <summary>Writes a sample.</summary>
    /// <param name="seen">The host and its guests.</param>
    /// <param name="time">Seconds since the record began, on a monotonic clock.</param>
    /// <returns>False if the record would exceed its maximum size; then nothing is written.</returns>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public bool TryWrite(SeenHost seen, double time)
    {
        ArgumentNullException.ThrowIfNull(seen);
        return Append(json => RecordDocument.WriteLook(json, time, seen.Memory, seen.Guests.Select(GuestFacts.Of).DistinctBy(guest => guest.Uuid)), isLast: false, elseMissed: time);
    }

    /// <summary>Writes that a sample could not be taken.</summary>
    /// <param name="reason">The reason, in one sentence.</param>
    /// <param name="time">Seconds since the record began.</param>
    /// <inheritdoc cref="TryWrite" path="/returns|/exception"/>
    public bool TryWriteMissed(string reason, double time) => Append(json => RecordDocument.WriteMissed(json, time, reason), isLast: false);

    /// <summary>
    /// Writes why the record ends. After a failed write it writes nothing, because it is unknown how much of that line was written.
    /// </summary>
    /// <param name="end">The reason.</param>
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
