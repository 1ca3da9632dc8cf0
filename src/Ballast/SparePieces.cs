namespace Ballast;

/// <summary>
/// Pieces of memory that are used for a moment, by any thread. The runtime's own pool keeps one of each length for every thread
/// that ever returned one; these are as many as are in use at a time.
/// </summary>
internal sealed class SparePieces
{
    /// <summary>The length of each.</summary>
    public const int Bytes = 32 * 1024;

    /// <summary>How many are kept.</summary>
    public const int Most = 8;

    private readonly byte[]?[] _spare = new byte[]?[Most];

    public static SparePieces Shared { get; } = new();

    /// <summary>One with anything in it.</summary>
    public byte[] Take()
    {
        foreach (ref byte[]? spare in _spare.AsSpan())
        {
            if (Volatile.Read(ref spare) is not null && Interlocked.Exchange(ref spare, null) is { } piece)
                return piece;
        }

        return new byte[Bytes];
    }

    /// <summary>Nobody uses it any more.</summary>
    /// <param name="piece">One that was taken.</param>
    public void Return(byte[] piece)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(piece.Length, Bytes);
        foreach (ref byte[]? spare in _spare.AsSpan())
        {
            if (Volatile.Read(ref spare) is null && Interlocked.CompareExchange(ref spare, piece, null) is null)
                return;
        }
    }
}
