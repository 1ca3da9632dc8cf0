using System.IO.Pipelines;
using Ballast.Transports;

namespace Ballast.Fuzz.Wire;

/// <summary>One end of a pair of pipes as a stream that gives what came in pieces: of so many bytes at most, each time another number.</summary>
internal sealed class PieceStream(IDuplexPipe end, int seed) : AsyncStream
{
    private static readonly int[] Sizes = [1, 4096, 2, 3, 27, 1, 5, 64];

    private int _reads = seed;
    private bool _isClosed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadResult result = await end.Input.ReadAsync(cancellationToken);
        int count = (int)Math.Min(Math.Min(buffer.Length, Sizes[_reads % Sizes.Length]), result.Buffer.Length);
        int at = 0;
        foreach (ReadOnlyMemory<byte> piece in result.Buffer.Slice(0, count))
        {
            piece.CopyTo(buffer[at..]);
            at += piece.Length;
        }

        // Nobody asked for anything where there is no room: it is there for the next one.
        end.Input.AdvanceTo(result.Buffer.GetPosition(count));
        if (count > 0)
            _reads++;
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _ = await end.Output.WriteAsync(buffer, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            _isClosed = true;
            end.Output.Complete();
            end.Input.CancelPendingRead();
        }

        base.Dispose(disposing);
    }
}
