using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>
/// Threads of their own for the clients who may change something: what such a client asks is read, handled and sent on there
/// or on the thread of the monitors. So it never stands behind others' work in the runtime's queue, nor waits for one of the
/// runtime's workers, which compete for the processors when there is much to do for those who may only read.
/// </summary>
internal sealed class PrivilegedLane
{
    // While one is at work, or has to wait for a processor, the other takes what comes.
    private const int Threads = 2;

    private readonly SocketPoller _poller = new("Ballast clients", Threads);

    /// <summary>The socket's bytes; it is closed with them.</summary>
    /// <exception cref="LibvirtException">The system has no room to wait for it.</exception>
    [SuppressMessage("Usage", "CA1816", Justification = "The descriptor is the transport's from now on: a forgotten socket must not close it.")]
    public LaneTransport Open(Socket socket)
    {
        GC.SuppressFinalize(socket);
        return Open(socket.SafeHandle);
    }

    /// <summary>The socket's bytes; it is closed with them.</summary>
    /// <exception cref="LibvirtException">The system has no room to wait for it.</exception>
    public LaneTransport Open(SafeHandle socket) => new(socket, _poller);
}

/// <summary>One client's connection in the lane.</summary>
internal sealed class LaneTransport : IDuplexPipe, IAsyncDisposable
{
    private readonly SocketTransport _transport;
    private readonly CancellationTokenSource _closed = new();

    public LaneTransport(SafeHandle socket, SocketPoller poller)
    {
        _transport = new SocketTransport(socket, poller);
        Output = new EndingWriter(_transport.Output, Abort);
    }

    public PipeReader Input => _transport.Input;

    public PipeWriter Output { get; }

    /// <summary>Ends when all was sent that ever will be.</summary>
    public CancellationToken Closed => _closed.Token;

    public void Abort() => Unattended.Cancel(_closed);

    public ValueTask DisposeAsync() => _transport.DisposeAsync();
}
