using System.IO.Compression;

namespace Ballast.Balance.Recording;

/// <summary>What was compressed cannot be decompressed.</summary>
internal sealed class DamagedDataException(Exception cause) : Exception(cause.Message, cause);

/// <summary>The text of a record, compressed or not. Where compressed data is cut off, it ends.</summary>
internal sealed class RecordStream : IDisposable
{
    // What is decompressed in one call is lost where the data behind it is damaged.
    private const int Piece = 512;

    private readonly CountedStream _file;
    private readonly GZipStream? _gzip;
    private readonly CancellationToken _cancellationToken;

    public RecordStream(Stream file, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        byte[] begin = new byte[2];
        int count = file.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false);
        _file = new CountedStream(begin.AsMemory(0, count), file);

        // What somebody has decompressed is a record, too.
        _gzip = begin is [0x1f, 0x8b] ? new GZipStream(_file, CompressionMode.Decompress) : null;
    }

    /// <exception cref="DamagedDataException">The compressed data is damaged.</exception>
    public int Read(Span<byte> buffer)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (_gzip is null)
            return _file.Read(buffer);
        try
        {
            return _gzip.Read(buffer.Length > Piece ? buffer[..Piece] : buffer);
        }
        catch (InvalidDataException) when (_file.HasEnded)
        {
            return 0;
        }
        catch (InvalidDataException e)
        {
            throw new DamagedDataException(e);
        }
    }

    public void Dispose() => _gzip?.Dispose();

    /// <summary>What was read of a file already, and the rest of it.</summary>
    private sealed class CountedStream(ReadOnlyMemory<byte> begin, Stream rest) : Stream
    {
        private ReadOnlyMemory<byte> _begin = begin;

        public bool HasEnded { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_begin.Length > 0)
            {
                int some = Math.Min(_begin.Length, buffer.Length);
                _begin.Span[..some].CopyTo(buffer);
                _begin = _begin[some..];
                return some;
            }

            int count = rest.Read(buffer);
            HasEnded |= count == 0 && buffer.Length > 0;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
