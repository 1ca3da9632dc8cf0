using System.Buffers;
using System.IO.Pipelines;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>A pair of pipes as a stream, which leaves them open.</summary>
internal sealed class PipeStream(IDuplexPipe pipes) : AsyncStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult result = await pipes.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> come = result.Buffer;
            int count = (int)Math.Min(come.Length, buffer.Length);
            come.Slice(0, count).CopyTo(buffer.Span);

            // Looked at before the blocks are given back: the next bytes are in them then, and how long this was cannot be told.
            bool isEmpty = come.IsEmpty;
            if (isEmpty)
                pipes.Input.AdvanceTo(come.End);
            else
                pipes.Input.AdvanceTo(come.GetPosition(count));
            if (!isEmpty || result.IsCompleted)
                return count;
            if (result.IsCanceled)
                throw new OperationCanceledException();
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        FlushResult flushed = await pipes.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted)
            throw new IOException("the client has gone");
    }
}
