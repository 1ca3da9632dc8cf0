namespace Ballast.Transports;

/// <summary>A layer on a stream that looks at what comes from it. It closes the stream.</summary>
internal abstract class StreamLayer(Stream below) : AsyncStream
{
    /// <summary>The stream.</summary>
    protected Stream Below => below;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        below.WriteAsync(buffer, cancellationToken);

    protected sealed override void Dispose(bool disposing)
    {
        if (disposing)
            below.Dispose();
        base.Dispose(disposing);
    }
}
