using System.Buffers;

namespace Ballast.Rpc;

/// <summary>
/// A message while it is written, in pieces: one array for the answer about a few hundred domains would be a large object,
/// which the runtime takes back late, and each larger one on the way to it as well.
/// </summary>
internal sealed class MessageBuffer(SparePieces pieces) : IBufferWriter<byte>
{
    // Most messages are short, and a thread that writes no other needs no more.
    private const int FirstBytes = 1024;

    private readonly List<(byte[] Bytes, int Count)> _full = [];
    private byte[] _piece = new byte[FirstBytes];
    private int _count;

    public int WrittenCount { get; private set; }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _piece.Length - _count);
        _count += count;
        WrittenCount += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _piece.AsMemory(_count);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _piece.AsSpan(_count);
    }

    public void CopyTo(IBufferWriter<byte> output)
    {
        foreach ((byte[] bytes, int count) in _full)
            output.Write(bytes.AsSpan(0, count));
        output.Write(_piece.AsSpan(0, _count));
    }

    /// <summary>The message in portions.</summary>
    /// <param name="most">Bytes that a portion has at most.</param>
    public IEnumerable<ReadOnlyMemory<byte>> Portions(int most)
    {
        foreach ((byte[] bytes, int count) in _full.Append((_piece, _count)))
        {
            for (int at = 0; at < count; at += most)
                yield return bytes.AsMemory(at, Math.Min(most, count - at));
        }
    }

    /// <summary>Begins another message: what the last one took is anybody's.</summary>
    public void Clear()
    {
        byte[]? first = _piece.Length == FirstBytes ? _piece : null;
        foreach ((byte[] bytes, _) in _full)
        {
            GiveBack(bytes);
            if (bytes.Length == FirstBytes)
                first = bytes;
        }

        GiveBack(_piece);
        _full.Clear();
        _piece = first ?? new byte[FirstBytes];
        _count = WrittenCount = 0;
    }

    private void MakeRoom(int bytes)
    {
        if (_piece.Length - _count >= bytes)
            return;
        if (_count > 0)
            _full.Add((_piece, _count));
        else
            GiveBack(_piece);
        _piece = bytes > SparePieces.Bytes ? new byte[bytes] : pieces.Take();
        _count = 0;
    }

    private void GiveBack(byte[] bytes)
    {
        if (bytes.Length == SparePieces.Bytes)
            pieces.Return(bytes);
    }
}
