using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>A connected socket as a pair of pipes.</summary>
internal sealed class SocketTransport : ITransport
{
    // Each buffer is sent by a call of its own. It is given back when it was sent.
    private const int SendBytes = 32 * 1024;

    /// <param name="socket">The socket, which is closed with this.</param>
    /// <param name="poller">Who waits for what comes; where none is given, the process's.</param>
    public SocketTransport(SafeHandle socket, SocketPoller? poller = null)
        : this(new SocketStream(socket, poller))
    {
    }

    /// <param name="stream">The socket's, which is closed with this.</param>
    public SocketTransport(Stream stream)
    {
        Stream = stream;

        // Who waits for something to come has no buffer meanwhile.
        Input = PipeReader.Create(Stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        Output = PipeWriter.Create(Stream, new StreamPipeWriterOptions(minimumBufferSize: SendBytes, leaveOpen: true));
    }

    /// <summary>What is below the pipes.</summary>
    public Stream Stream { get; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
