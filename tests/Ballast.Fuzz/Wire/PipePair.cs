using System.IO.Pipelines;

namespace Ballast.Fuzz.Wire;

/// <summary>Two ends in memory: what one writes, the other reads, at once and on the writer's thread.</summary>
internal sealed class PipePair
{
    /// <param name="unread">Bytes that the far end may leave unread before it keeps the near one from writing; 0: any number.</param>
    public PipePair(long unread = 0)
    {
        Pipe toNear = new(Options(0)), toFar = new(Options(unread));
        Near = new End(toNear.Reader, toFar.Writer);
        Far = new End(toFar.Reader, toNear.Writer);
    }

    public IDuplexPipe Near { get; }

    public IDuplexPipe Far { get; }

    private static PipeOptions Options(long unread) => new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false,
        pauseWriterThreshold: unread, resumeWriterThreshold: unread / 2);

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
