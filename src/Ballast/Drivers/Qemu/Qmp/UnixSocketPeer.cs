using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Interop;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who listens on the other side of a unix socket, as the kernel knows it.</summary>
/// <param name="Pid">The process that called listen(); not always the one that uses the socket, and 0 where this process cannot see it.</param>
/// <param name="Uid">Its user at that time.</param>
/// <param name="IsAlive">
/// Whether that process still lives, so that its id is nobody else's; null before Linux 6.5, which cannot tell.
/// </param>
internal readonly record struct UnixSocketPeer(int Pid, uint Uid, bool? IsAlive)
{
    private const int SolSocket = 1, SoPeerCred = 17, SoPeerPidfd = 77;
    private const int NoSuchOption = 92, MaxAddressBytes = 128;

    /// <summary>
    /// What the listening socket was bound to, as it was written, wherever it listens; null where that is no path, or the kernel does not tell.
    /// </summary>
    public string? BoundName { get; init; }

    public static UnixSocketPeer Of(SafeHandle socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        int length = credentials.Length;
        if (Libc.GetSockOpt(socket, SolSocket, SoPeerCred, credentials, ref length) != 0)
            throw new ConnectionBrokenException(Marshal.GetLastPInvokeError());

        // By this process's PID namespace; where /proc is another one's, the number means nobody there.
        int pid = ProcessTable.IsOurs ? MemoryMarshal.Read<int>(credentials) : 0;
        bool? isAlive = ReadIsAlive(socket);
        return new UnixSocketPeer(pid, MemoryMarshal.Read<uint>(credentials[4..]), isAlive) { BoundName = ReadBoundName(socket) };
    }

    private static string? ReadBoundName(SafeHandle socket)
    {
        Span<byte> address = stackalloc byte[MaxAddressBytes];
        int length = address.Length;
        if (Libc.GetPeerName(socket, address, ref length) != 0 || length <= sizeof(ushort) || length > address.Length)
            return null;
        ReadOnlySpan<byte> path = address[sizeof(ushort)..length];
        int end = path.IndexOf((byte)0);
        return end == 0 ? null : PathText.Decode(end < 0 ? path : path[..end]);
    }

    private static bool? ReadIsAlive(SafeHandle socket)
    {
        Span<byte> descriptor = stackalloc byte[4];
        int length = descriptor.Length;
        if (Libc.GetSockOpt(socket, SolSocket, SoPeerPidfd, descriptor, ref length) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno == NoSuchOption)
                return null;
            return LookTrouble.IsFailure(errno) ? throw new ConnectionBrokenException(errno) : false;
        }

        // Since Linux 6.16 there is a descriptor of a process that ended, too.
        using SafeFileHandle process = new(MemoryMarshal.Read<int>(descriptor), ownsHandle: true);
        return !(Libc.HasEnded(process) ?? throw new ConnectionBrokenException(Marshal.GetLastPInvokeError()));
    }
}
