using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Transports;

/// <summary>
/// Connects to a unix socket by the system call itself: the runtime's exceptions keep the kernel's error number for few
/// failures (a missing file becomes 99), and callers are owed that number.
/// </summary>
internal static partial class UnixSocketClient
{
    private const ushort AfUnix = 1;
    private const int Stream = 1, CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const int OpenPath = 0x200000, OpenClose = 0x80000;

    /// <summary>Longest path of a unix socket, in bytes, without the final NUL.</summary>
    private const int MaxPathBytes = 107;

    /// <summary>Never waits: a connection is made at once, or not at all.</summary>
    /// <returns>The kernel's error number; 0 where there is a connection.</returns>
    public static int TryConnect(string path, out SafeHandle? socket)
    {
        socket = null;
        if (PathText.ByteCount(path) <= MaxPathBytes)
            return TryConnectShort(path, out socket);

        // A descriptor of the socket's entry is a short way to it.
        using SafeFileHandle entry = new(Libc.Open(path, OpenPath | OpenClose), ownsHandle: true);
        return entry.IsInvalid ? Marshal.GetLastPInvokeError() : TryConnectShort($"/proc/self/fd/{entry.DangerousGetHandle()}", out socket);
    }

    /// <summary>A socket that is not connected yet; invalid, with the error number set, where there is none.</summary>
    public static UnixSocketHandle Create()
    {
        UnixSocketHandle client = new(Libc.Socket(AfUnix, Stream | CloseOnExec | NonBlocking, 0));
        int errno = Marshal.GetLastPInvokeError();
        if (!client.IsInvalid)
            client.Refusal = UnwantedDescriptors.Refuse(client);
        Marshal.SetLastPInvokeError(errno);
        return client;
    }

    /// <summary>Connects one to a path that is no longer than an address has room for; never waits for who listens there.</summary>
    /// <returns>The kernel's error number; 0 where there is a connection.</returns>
    public static int Connect(UnixSocketHandle client, string path)
    {
        Span<byte> address = stackalloc byte[sizeof(ushort) + MaxPathBytes + 1];
        address.Clear();
        MemoryMarshal.Write(address, AfUnix);
        _ = PathText.Encode(path, address[sizeof(ushort)..]);
        return Libc.Connect(client, address, address.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>
    /// A connection that another thread is making is not made any more, unless it is made already: one that listens connects to nobody,
    /// and what is closed or shut down would.
    /// </summary>
    public static void Forbid(UnixSocketHandle client)
    {
        // Of its own choice, as the kernel gives a name to whoever tells the family alone.
        Span<byte> address = stackalloc byte[sizeof(ushort)];
        MemoryMarshal.Write(address, AfUnix);
        try
        {
            if (Libc.Bind(client, address, address.Length) == 0)
                _ = Libc.Listen(client, backlog: 0);
        }
        catch (ObjectDisposedException)
        {
            // It has returned, and was closed.
        }
    }

    private static int TryConnectShort(string path, out SafeHandle? socket)
    {
        socket = null;
        UnixSocketHandle client = Create();
        int errno = client.IsInvalid ? Marshal.GetLastPInvokeError() : Connect(client, path);
        if (errno == 0)
            socket = client;
        else
            client.Dispose();
        return errno;
    }
}
