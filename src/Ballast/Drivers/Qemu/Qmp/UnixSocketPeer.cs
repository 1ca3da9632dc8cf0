using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Interop;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who listens on the other side of a unix socket, as the kernel knows it.</summary>
/// <param name="Pid">The process that called listen(); not always the one that uses the socket, and 0 where it is not visible from here.</param>
/// <param name="Uid">Its user at that time.</param>
/// <param name="IsAlive">
/// Whether that process is still there, so that its id is nobody else's; null before Linux 6.5, which cannot tell.
/// </param>
internal readonly record struct UnixSocketPeer(int Pid, uint Uid, bool? IsAlive)
{
    private const int SolSocket = 1, SoPeerCred = 17, SoPeerPidfd = 77;
    private const int NoSuchOption = 92;

    private static ulong _ownNumber;

    /// <summary>
    /// Which process that is, whether its id is visible from here or not: no other ever has the number. 0 where the kernel cannot tell,
    /// as before Linux 6.9.
    /// </summary>
    public ulong Number { get; init; }

    public static UnixSocketPeer Of(SafeHandle socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        int length = credentials.Length;
        if (Libc.GetSockOpt(socket, SolSocket, SoPeerCred, credentials, ref length) != 0)
            throw new ConnectionBrokenException(Marshal.GetLastPInvokeError());

        // By this process's PID namespace; where /proc is another one's, the number means nobody there.
        int pid = ProcessTable.IsOurs ? MemoryMarshal.Read<int>(credentials) : 0;
        bool? isAlive = ReadIsAlive(socket, out ulong number);
        return new UnixSocketPeer(pid, MemoryMarshal.Read<uint>(credentials[4..]), isAlive) { Number = number };
    }

    private static bool? ReadIsAlive(SafeHandle socket, out ulong number)
    {
        number = 0;
        Span<byte> descriptor = stackalloc byte[4];
        int length = descriptor.Length;
        if (Libc.GetSockOpt(socket, SolSocket, SoPeerPidfd, descriptor, ref length) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno == NoSuchOption)
                return null;
            return LookTrouble.IsFailure(errno) ? throw new ConnectionBrokenException(errno) : false;
        }

        using SafeFileHandle process = new(MemoryMarshal.Read<int>(descriptor), ownsHandle: true);
        number = Tell(process);
        return true;
    }

    // Older kernels have one number for the handles of all processes, our own among them.
    private static ulong Tell(SafeFileHandle process)
    {
        if (Volatile.Read(ref _ownNumber) == 0)
        {
            using SafeFileHandle own = new((nint)Libc.SyscallPidfdOpen(Libc.PidfdOpen, Environment.ProcessId, 0), ownsHandle: true);
            Volatile.Write(ref _ownNumber, NumberOf(own));
        }

        ulong number = NumberOf(process);
        return _ownNumber != 0 && number != _ownNumber ? number : 0;
    }

    private static ulong NumberOf(SafeFileHandle process) =>
        process.IsInvalid ? 0 : LinuxFiles.Stat(process, "the handle of a process")?.Inode ?? 0;
}
