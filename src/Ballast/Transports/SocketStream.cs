using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>A socket as a stream, for one reader and one writer.</summary>
internal sealed class SocketStream(PolledSocket polled) : AsyncStream
{
    private readonly PolledSocket _polled = polled;

    public SocketStream(SafeHandle socket, SocketPoller? poller = null)
        : this(new PolledSocket(socket, poller))
    {
    }

    // Pooled: whoever waits for its peer's next message waits here.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _polled.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await _polled.SendAllAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _polled.Dispose();
        base.Dispose(disposing);
    }
}
