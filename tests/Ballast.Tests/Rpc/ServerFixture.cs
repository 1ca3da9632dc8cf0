using System.Net.Sockets;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Server;
using Ballast.Tests.Fakes;
using Ballast.Transports;

namespace Ballast.Tests.Rpc;

/// <summary>A server inside the test, on a unix socket; it closes what it serves.</summary>
internal sealed class ServerFixture : IAsyncDisposable
{
    private readonly PrivateDirectory _directory = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Task> _clients = [];
    private readonly List<Socket> _sockets = [];
    private readonly Lock _gate = new();
    private readonly Task _accepting;
    private readonly LibvirtServer _server;
    private readonly Connection _connection;

    private readonly Func<IRpcSession, IRpcSession>? _wrap;

    private ServerFixture(LibvirtServer server, Connection connection, bool isReadOnly, Func<IRpcSession, IRpcSession>? wrap)
    {
        _server = server;
        _wrap = wrap;
        _connection = connection;
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(16);
        _accepting = AcceptAsync(isReadOnly);
    }

    public string SocketPath => _directory.File("sock");

    public int Accepted { get; private set; }

    /// <summary>Starts it; what wraps a session puts itself between a client's connection and what is served there.</summary>
    public static ServerFixture Start(
        Connection connection, bool isReadOnly = false, string name = "test:///default", LibvirtServerOptions? options = null,
        Func<IRpcSession, IRpcSession>? wrap = null) =>
        new(new LibvirtServer([(name, connection)], options ?? new LibvirtServerOptions()), connection, isReadOnly, wrap);

    public ValueTask<Connection> ConnectAsync(ConnectionOptions? options = null) => Connection.OpenAsync(
        $"test+unix:///default?socket={SocketPath}",
        (options ?? new ConnectionOptions()) with { DaemonTimeout = TimeSpan.FromSeconds(15) }, TestContext.Current.CancellationToken);

    /// <summary>Closes what clients have open; new ones are welcome.</summary>
    public void DropClients()
    {
        lock (_gate)
        {
            foreach (Socket socket in _sockets)
                socket.Dispose();
            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        DropClients();
        await Task.WhenAll(_clients).WaitAsync(TimeSpan.FromSeconds(15));
        await _connection.DisposeAsync();
        _directory.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(bool isReadOnly)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener.AcceptAsync(_stop.Token);
                lock (_gate)
                    _sockets.Add(socket);
                Accepted++;
                _clients.Add(ServeAsync(socket, isReadOnly));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket, bool isReadOnly)
    {
        SocketTransport made;
        try
        {
            made = new SocketTransport(TestSockets.Release(socket));
        }
        catch (ObjectDisposedException)
        {
            // A client that was dropped as soon as it came.
            return;
        }

        await using SocketTransport transport = made;
        if (_wrap is null)
        {
            await _server.ServeAsync(transport, isReadOnly, owner: 0u, null, _stop.Token);
            return;
        }

        using SemaphoreSlim largeMessages = new(1);
        UserShare share = new(isReader: false, _server.Options);
        await using RpcServerConnection connection = new(
            transport, new RpcServerLimits(), new ClientShare(share, new ReaderTurns(workers: 1), largeMessages), TimeProvider.System);
        await connection.RunAsync(_wrap(new RemoteSession(_server, isReadOnly, share, null)), _stop.Token);
    }
}
