using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who listens on the other side of a unix socket, as the kernel knows it.</summary>
/// <param name="Pid">The process that created the listening socket; not always the one that uses it.</param>
/// <param name="Uid">Its user.</param>
internal readonly record struct UnixSocketPeer(int Pid, uint Uid)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static UnixSocketPeer Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        _ = socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return new UnixSocketPeer(MemoryMarshal.Read<int>(credentials), MemoryMarshal.Read<uint>(credentials[4..]));
    }
}
