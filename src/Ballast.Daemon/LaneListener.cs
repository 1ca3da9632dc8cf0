using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ballast.Server;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Ballast.Daemon;

/// <summary>A socket whose clients have a lane of their own.</summary>
/// <param name="descriptor">The number of the descriptor on which clients are accepted; it stays its owner's.</param>
/// <param name="lane">The lane.</param>
/// <param name="isPrivileged">Whether its clients are those for whom the last files are kept.</param>
internal sealed class LaneEndPoint(ulong descriptor, ClientLane lane, bool isPrivileged) : EndPoint
{
    public ClientLane Lane => lane;

    public bool IsPrivileged => isPrivileged;

    public nint Descriptor => (nint)descriptor;

    public override string ToString() => $"descriptor {Descriptor.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary>Makes listeners for such sockets; all others are the web server's.</summary>
internal sealed class LaneListenerFactory(OpenFiles files) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is LaneEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new LaneListener((LaneEndPoint)endpoint, files));
}

/// <summary>Accepts clients into the lane.</summary>
internal sealed class LaneListener(LaneEndPoint endPoint, OpenFiles files) : IConnectionListener
{
    // Where the system has no room for a client for the moment.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Socket _socket = Prepare(endPoint);
    private readonly CancellationTokenSource _unbound = new();
    private long _accepted;
    private volatile bool _isDisposed;

    public EndPoint EndPoint => endPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
        bool isReaders = !endPoint.IsPrivileged && _socket.AddressFamily == AddressFamily.Unix;
        while (true)
        {
            try
            {
                if (isReaders && !files.AcceptsReaders())
                {
                    await Task.Delay(Pause, end.Token).ConfigureAwait(false);
                    continue;
                }

                Socket client = await _socket.AcceptAsync(end.Token).ConfigureAwait(false);
                if (!files.Admits(client.Handle, endPoint.IsPrivileged) || !TryHurry(client))
                {
                    ClientLane.Refuse(client);
                    continue;
                }

                return new LaneConnection(client, endPoint.Lane.Open(client), ++_accepted);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
            catch (Exception e) when (!_isDisposed)
            {
                // The web server never asks again a listener that failed once.
                if (e is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets })
                    files.SayFull();
                else
                    Background.Note(e);
                await Task.Delay(Pause, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static Socket Prepare(LaneEndPoint endPoint)
    {
        Socket socket = new(new SafeSocketHandle(endPoint.Descriptor, ownsHandle: false));
        ClientLane.Prepare(socket);
        return socket;
    }

    /// <summary>What is written to another host is sent at once; false: the client has gone already.</summary>
    private static bool TryHurry(Socket client)
    {
        try
        {
            if (client.AddressFamily != AddressFamily.Unix)
                client.NoDelay = true;
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => new(_unbound.CancelAsync());

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _socket.Dispose();
        return default;
    }
}

/// <summary>A client in the lane, as the web server sees it.</summary>
internal sealed class LaneConnection : ConnectionContext, IConnectionSocketFeature
{
    private readonly LaneTransport _transport;
    private System.IO.Pipelines.IDuplexPipe _pipe;

    public LaneConnection(Socket socket, LaneTransport transport, long number)
    {
        Socket = socket;
        _transport = transport;
        _pipe = transport;
        ConnectionId = number.ToString(CultureInfo.InvariantCulture);
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = transport.Closed;
        Features.Set<IConnectionSocketFeature>(this);
    }

    public Socket Socket { get; }

    public override System.IO.Pipelines.IDuplexPipe Transport
    {
        get => _pipe;
        set => _pipe = value;
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override void Abort(ConnectionAbortedException abortReason) => _transport.Abort();

    public override async ValueTask DisposeAsync()
    {
        _transport.Abort();
        await _transport.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
