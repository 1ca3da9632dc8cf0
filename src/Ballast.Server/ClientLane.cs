using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>
/// Threads of their own for some clients: what such a client asks is read, handled and sent on there or on the thread of the
/// monitors. So it never stands behind others' work in the runtime's queue, nor waits for one of the runtime's workers, which
/// compete for the processors when there is much to do for those who may only read.
/// </summary>
/// <param name="name">The threads'.</param>
/// <param name="threads">How many there are: while one is at work, or has to wait for a processor, another takes what comes.</param>
/// <param name="endsWithClient">Whether what a client asked for is given up as soon as it goes; else what is under way is done to its end.</param>
/// <param name="rest">Lets a thread rest where another gets on with many clients alone; null: none rests.</param>
internal sealed class ClientLane(string name, int threads, bool endsWithClient = false, CrowdRest? rest = null)
{
    private const int Fewest = 2, Most = 16;

    private readonly SocketPoller _poller = new(name, threads, rest);

    /// <summary>For the clients who may change something.</summary>
    public static ClientLane OfPrivileged() => new("Ballast clients", Fewest, rest: new CrowdRest());

    /// <summary>For the clients of this host that may only read.</summary>
    public static ClientLane OfReaders() => new("Ballast readers", Math.Clamp(Environment.ProcessorCount, Fewest, Most), endsWithClient: true);

    /// <summary>For those that come by TLS: a handshake computes for a millisecond, and nobody of this host waits behind it.</summary>
    public static ClientLane OfTls() => new("Ballast TLS", Math.Clamp(Environment.ProcessorCount, Fewest, Most));

    /// <summary>The socket's bytes; it is closed with them.</summary>
    /// <exception cref="LibvirtException">The system has no room to wait for it.</exception>
    [SuppressMessage("Usage", "CA1816", Justification = "The descriptor is the transport's from now on: a forgotten socket must not close it.")]
    public LaneTransport Open(Socket socket)
    {
        GC.SuppressFinalize(socket);
        return Open(socket.AddressFamily == AddressFamily.Unix ? socket.SafeHandle : new PoliteHandle(socket));
    }

    /// <summary>The socket's bytes; it is closed with them.</summary>
    /// <exception cref="LibvirtException">The system has no room to wait for it.</exception>
    public LaneTransport Open(SafeHandle socket) => new(socket, _poller, endsWithClient);

    /// <summary>Those who connect to the socket from now on cannot hand over descriptors: whoever received one might have to wait for its end.</summary>
    public static void Prepare(Socket listener) => _ = UnwantedDescriptors.Refuse(listener.SafeHandle);

    /// <summary>How many sockets cannot be closed yet, as closing waits for what their peers handed over.</summary>
    public static int Unclosed => UnwantedDescriptors.Waiting;

    /// <summary>
    /// Whether another client of this host that may only read is accepted now. One that hands over what cannot be closed leaves its
    /// socket open, and so would each that comes after it: a quarter of the files is for that, and then none is accepted until some are closed.
    /// </summary>
    /// <param name="files">How many files the process may have open.</param>
    public static bool MayAcceptReaders(int files) => Unclosed < files / 4;

    /// <summary>Closes a client's socket for which there is no room; what it sent is not waited for.</summary>
    public static void Refuse(Socket client)
    {
        if (client.AddressFamily == AddressFamily.Unix)
            UnwantedDescriptors.Close(client.SafeHandle);
        else
            client.Dispose();
    }
}

/// <summary>
/// The descriptor of a socket that is closed by the socket: .NET resets the connection where its handle is closed instead, and what was
/// sent last would not arrive.
/// </summary>
internal sealed class PoliteHandle : SafeHandle
{
    private readonly Socket _socket;

    public PoliteHandle(Socket socket)
        : base(-1, ownsHandle: true)
    {
        _socket = socket;
        SetHandle(socket.Handle);
    }

    public override bool IsInvalid => handle == -1;

    protected override bool ReleaseHandle()
    {
        _socket.Dispose();
        return true;
    }
}

/// <summary>One client's connection in the lane.</summary>
internal sealed class LaneTransport : IDuplexPipe, IAsyncDisposable
{
    private readonly SocketTransport _transport;
    private readonly CancellationTokenSource _closed = new();

    public LaneTransport(SafeHandle socket, SocketPoller poller, bool endsWithClient = false)
    {
        PolledSocket polled = new(socket, poller);
        _transport = new SocketTransport(new SocketStream(polled));
        Output = new EndingWriter(_transport.Output, Abort);

        // Whoever is told then may have more to do than the thread of all clients has time for.
        if (endsWithClient)
            polled.OnHungUp(() => Unattended.Queue(static transport => transport.Abort(), this));
    }

    public PipeReader Input => _transport.Input;

    public PipeWriter Output { get; }

    /// <summary>Ends when all was sent that ever will be.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>What comes and goes, from now on without the pipes between; what was looked at, and is still there, comes first.</summary>
    public Stream TakeStream()
    {
        byte[] first = [];
        if (Input.TryRead(out ReadResult looked))
        {
            first = looked.Buffer.ToArray();
            Input.AdvanceTo(looked.Buffer.End);
        }

        return new LedStream(first, _transport.Stream);
    }

    public void Abort() => Unattended.Cancel(_closed);

    public ValueTask DisposeAsync() => _transport.DisposeAsync();
}
