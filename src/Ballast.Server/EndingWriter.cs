using System.IO.Pipelines;

namespace Ballast.Server;

/// <summary>
/// Keeps nothing back, so that its end has nothing to send: what a client did not take of a message whose sending was given
/// up is not sent again.
/// </summary>
/// <param name="output">Where it goes.</param>
/// <param name="ended">Called at the end.</param>
internal sealed class EndingWriter(PipeWriter output, Action ended) : PipeWriter
{
    private static readonly IOException Ended = new("the connection has ended");

    public override void Advance(int bytes) => output.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => output.GetSpan(sizeHint);

    public override void CancelPendingFlush() => output.CancelPendingFlush();

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => output.FlushAsync(cancellationToken);

    public override void Complete(Exception? exception = null)
    {
        output.Complete(exception ?? Ended);
        ended();
    }
}
