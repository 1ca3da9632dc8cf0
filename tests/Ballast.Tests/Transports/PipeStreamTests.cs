using System.IO.Pipelines;
using Ballast.Guests;
using Ballast.Server;

namespace Ballast.Tests.Transports;

/// <summary>What goes through a pair of pipes comes out of the stream over it, whatever the pieces are.</summary>
public sealed class PipeStreamTests
{
    // As the daemon's sockets: blocks of a page, a short queue, and whoever is woken goes on at once.
    private const int BlockBytes = 4096, QueueBytes = 16 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(2048)]
    [InlineData(4095)]
    public async Task A_read_of_all_that_ends_where_it_began_in_a_later_block_is_not_lost(int place)
    {
        Pipe pipe = Queue();
        PipeStream stream = new(new Pair(pipe.Reader));
        byte[] sent = Pattern(place + BlockBytes), got = new byte[2 * BlockBytes];
        await pipe.Writer.WriteAsync(sent, Token);
        Assert.Equal(place, await stream.ReadAsync(got.AsMemory(0, place), Token));
        Assert.Equal(BlockBytes, await Deadline.WithinAsync(Deadline.Default, "bytes", token => stream.ReadAsync(got.AsMemory(place), token).AsTask(), Token));
        await pipe.Writer.CompleteAsync();
        Assert.Equal(sent, got[..sent.Length]);
        Assert.Equal(0, await stream.ReadAsync(got, Token));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1429)]
    [InlineData(4096)]
    [InlineData(4229)]
    [InlineData(5629)]
    [InlineData(16384)]
    public async Task Every_byte_comes_in_its_place(int piece)
    {
        const int total = 300_000;
        foreach (int room in (int[])[1, 1000, 4096, 5000, 16413, 32768])
        {
            Pipe pipe = Queue();
            PipeStream stream = new(new Pair(pipe.Reader));
            byte[] sent = Pattern(total), got = new byte[total + 1];
            Task writing = Task.Run(
                async () =>
                {
                    for (int done = 0; done < total; done += piece)
                        await pipe.Writer.WriteAsync(sent.AsMemory(done, Math.Min(piece, total - done)), Token);
                    await pipe.Writer.CompleteAsync();
                },
                Token);
            int come = 0;
            while (true)
            {
                // As SslStream does: first it asks whether there is something.
                Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
                int count = await stream.ReadAsync(got.AsMemory(come, Math.Min(room, got.Length - come)), Token);
                if (count == 0)
                    break;
                come += count;
            }

            await writing;
            Assert.Equal(total, come);
            Assert.Equal(sent, got[..total]);
        }
    }

    private static Pipe Queue() => new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: QueueBytes, resumeWriterThreshold: QueueBytes / 2,
        minimumSegmentSize: BlockBytes, useSynchronizationContext: false));

    private static byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private sealed class Pair(PipeReader input) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => throw new NotSupportedException();
    }
}
