using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Tests.Fakes;

/// <summary>The runtime's sockets in tests of what uses descriptors alone.</summary>
internal static class TestSockets
{
    /// <summary>The descriptor, which is the caller's from now on.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "A forgotten socket must not close it.")]
    public static SafeHandle Release(Socket socket)
    {
        GC.SuppressFinalize(socket);
        return socket.SafeHandle;
    }

    /// <summary>Two that are connected over a Unix socket; the descriptor is the caller's.</summary>
    public static (SafeHandle Own, Socket Peer) Connect()
    {
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"\0ballast-test-{Guid.NewGuid():N}"));
        listener.Listen(1);
        Socket peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        peer.Connect(listener.LocalEndPoint!);
        return (Release(listener.Accept()), peer);
    }
}
