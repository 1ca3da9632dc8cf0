using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Ballast.Daemon;

/// <summary>
/// What clients' sockets are read into and written from. The web server's own pool keeps as much as was ever in use for
/// minutes; here only so much is kept as a busy daemon needs, and what thousands of clients took is given back.
/// </summary>
internal sealed class SocketBuffers : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockBytes = 4096, MostKept = 1024;

    private readonly ConcurrentQueue<Block> _free = [];
    private int _kept;

    public override int MaxBufferSize => BlockBytes;

    // One for all: it holds nothing of anybody's.
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_free.TryDequeue(out Block? block))
            return new Block(this);
        Interlocked.Decrement(ref _kept);
        return block;
    }

    protected override void Dispose(bool disposing)
    {
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _kept) <= MostKept)
            _free.Enqueue(block);
        else
            Interlocked.Decrement(ref _kept);
    }

    private sealed class Block(SocketBuffers buffers) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(BlockBytes);

        public void Dispose() => buffers.Return(this);
    }
}
