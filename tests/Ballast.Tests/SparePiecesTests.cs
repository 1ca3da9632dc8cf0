using System.Collections.Concurrent;

namespace Ballast.Tests;

/// <summary>A piece is one user's at a time, and comes back.</summary>
public sealed class SparePiecesTests
{
    [Fact]
    public void What_was_returned_is_taken_again()
    {
        SparePieces pieces = new();
        byte[][] taken = [.. Enumerable.Range(0, SparePieces.Most).Select(_ => pieces.Take())];
        Assert.All(taken, piece => Assert.Equal(SparePieces.Bytes, piece.Length));
        foreach (byte[] piece in taken)
            pieces.Return(piece);
        pieces.Return(new byte[SparePieces.Bytes]);
        byte[][] again = [.. Enumerable.Range(0, SparePieces.Most).Select(_ => pieces.Take())];
        HashSet<object> all = new(taken, ReferenceEqualityComparer.Instance);
        Assert.Equal(SparePieces.Most, all.Count);
        Assert.True(all.SetEquals(again));
        Assert.DoesNotContain(pieces.Take(), all);
    }

    [Fact]
    public void What_is_no_piece_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => new SparePieces().Return(new byte[1]));

    [Fact]
    public void No_two_threads_have_the_same()
    {
        SparePieces pieces = new();
        ConcurrentDictionary<object, int> inUse = new(ReferenceEqualityComparer.Instance);
        int shared = 0;
        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 12 }, i =>
        {
            byte[] piece = pieces.Take();
            if (!inUse.TryAdd(piece, i))
                Interlocked.Increment(ref shared);
            _ = inUse.TryRemove(piece, out _);
            pieces.Return(piece);
        });
        Assert.Equal(0, shared);
    }
}
