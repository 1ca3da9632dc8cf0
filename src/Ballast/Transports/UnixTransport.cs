using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>A unix socket as a pair of pipes.</summary>
internal sealed class UnixTransport : IDuplexPipe, IAsyncDisposable
{
    // Each buffer is sent by a call of its own. It is given back when it was sent.
    private const int SendBytes = 32 * 1024;

    private readonly SocketStream _stream;

    /// <param name="socket">The socket, which is closed with this.</param>
    /// <param name="poller">Who waits for what comes; where none is given, the process's.</param>
    public UnixTransport(SafeHandle socket, SocketPoller? poller = null)
    {
        _stream = new SocketStream(socket, poller);

        // Who waits for something to come has no buffer meanwhile.
        Input = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(_stream, new StreamPipeWriterOptions(minimumBufferSize: SendBytes, leaveOpen: true));
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <exception cref="LibvirtException">It cannot be connected to, in libvirt's words.</exception>
    public static async ValueTask<UnixTransport> ConnectAsync(string path, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        const int retryAgain = 11;
        long since = time.GetTimestamp();
        while (true)
        {
            int errno = UnixSocketClient.TryConnect(path, out SafeHandle? socket);
            if (socket is not null)
                return new UnixTransport(socket);

            // Its queue of waiting clients is full for the moment.
            if (errno != retryAgain || time.GetElapsedTime(since) >= timeout)
            {
                throw LibvirtError.System(errno, ErrorOrigin.Rpc,
                    $"Failed to connect socket to '{path}': {Marshal.GetPInvokeErrorMessage(errno)}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), time, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
