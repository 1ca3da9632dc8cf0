using System.Net;
using System.Net.Sockets;

namespace Ballast.Guests;

/// <summary>
/// A TCP port of loopback that nobody listens on: who connects is refused. While it is held, no other socket gets it by chance; a
/// program that is told its number may listen on it.
/// </summary>
public sealed class HeldPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public HeldPort()
    {
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    public int Port => Address.Port;

    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    public void Dispose() => _socket.Dispose();
}
