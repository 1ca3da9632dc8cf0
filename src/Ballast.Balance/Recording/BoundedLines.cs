namespace Ballast.Balance.Recording;

/// <summary>Reads bytes from a source.</summary>
/// <param name="buffer">The buffer to fill.</param>
/// <returns>The number of bytes read; 0 at the end.</returns>
public delegate int ByteSource(Span<byte> buffer);

/// <summary>Reads lines from an untrusted source, and limits their length.</summary>
/// <param name="source">UTF-8 text.</param>
/// <param name="maxBytes">The maximum length of a line, in bytes.</param>
public sealed class BoundedLines(ByteSource source, int maxBytes = BoundedLines.DefaultBytes)
{
    /// <summary>The default maximum length of a line, in bytes. Ten thousand guests take half of it.</summary>
    public const int DefaultBytes = RecordFormat.MaxLineBytes;

    private const byte End = (byte)'\n';

    private byte[] _buffer = new byte[64 * 1024];
    private int _start, _end;
    private bool _isOver;

    /// <summary>The number of the line that was read last, from 1.</summary>
    public int Number { get; private set; }

    /// <summary>Whether the last line ended as lines do; the one that was read last otherwise breaks off.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Reads the next line, without its line break. It is valid until the next call.</summary>
    /// <param name="line">The line.</param>
    /// <returns>False at the end.</returns>
    /// <exception cref="InvalidDataException">The line is too long; the lines after it cannot be read.</exception>
    /// <exception cref="IOException">The text cannot be read.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        for (int searched = 0; ;)
        {
            int found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf(End);
            if (found >= 0)
            {
                int length = searched + found;
                line = _buffer.AsMemory(_start, length);
                _start += length + 1;
                Number++;
                return true;
            }

            searched = _end - _start;
            if (_isOver)
                return TryReadRest(out line);
            if (searched > maxBytes)
                throw new InvalidDataException($"line {Number + 1} is longer than {maxBytes / 1024 / 1024} MiB");
            Fill();
        }
    }

    private bool TryReadRest(out ReadOnlyMemory<byte> line)
    {
        line = _buffer.AsMemory(_start, _end - _start);
        if (_start == _end)
            return false;
        _start = _end;
        IsWhole = false;
        Number++;
        return true;
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        int count = source(_buffer.AsSpan(_end));
        _isOver = count == 0;
        _end += count;
    }
}
