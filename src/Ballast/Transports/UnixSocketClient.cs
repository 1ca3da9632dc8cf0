using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Transports;

/// <summary>
/// Connects to a unix socket by the system call itself: the runtime's exceptions keep the kernel's error number for few
/// failures (a missing file becomes 99), and callers are owed that number.
/// </summary>
internal static partial class UnixSocketClient
{
    private const ushort AfUnix = 1;
    private const int Enametoolong = 36;

    /// <summary>Longest path of a unix socket, in bytes, without the final NUL.</summary>
    private const int MaxPathBytes = 107;

    /// <summary>Never waits: a connection is made at once, or not at all.</summary>
    /// <returns>The kernel's error number; 0 where there is a connection.</returns>
    public static int TryConnect(string path, out Socket? socket)
    {
        socket = null;
        Span<byte> address = stackalloc byte[sizeof(ushort) + MaxPathBytes + 1];
        address.Clear();
        MemoryMarshal.Write(address, AfUnix);
        if (!Encoding.UTF8.TryGetBytes(path, address.Slice(sizeof(ushort), MaxPathBytes), out _))
            return Enametoolong;

        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        if (Connect(client.SafeHandle, address, address.Length) == 0)
        {
            socket = client;
            return 0;
        }

        int errno = Marshal.GetLastPInvokeError();
        client.Dispose();
        return errno;
    }

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(SafeHandle socket, ReadOnlySpan<byte> address, int length);
}
