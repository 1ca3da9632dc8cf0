using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>
/// One thread of the process that waits until a socket has something to read, and goes on from there. The runtime's own
/// hands what has come to another thread, and looks up each time that a peer has read what it was sent: on a small host
/// that takes longer than the rest of a call.
/// </summary>
internal static partial class SocketPoller
{
    private const int Eintr = 4, Eexist = 17;
    private const int CloseOnExec = 0x80000, CtlAdd = 1, CtlMod = 3;
    private const uint In = 1, Err = 8, Hup = 0x10, RdHup = 0x2000, EdgeTriggered = 1u << 31;
    private const int MaxEvents = 128;

    // The kernel's structure is packed on this processor alone, as on its 32-bit ancestor.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? sizeof(uint) : sizeof(ulong);
    private static readonly int EventSize = KeyOffset + sizeof(ulong);

    private static readonly Lock Gate = new();
    private static readonly ConcurrentDictionary<long, PolledSocket> Sockets = [];
    private static long _lastKey;
    private static int _poll = -1;

    /// <summary>From now on the socket is told each time that there is more to read, or that its peer is gone.</summary>
    /// <returns>What to remove it by.</returns>
    /// <exception cref="LibvirtException">The system refuses.</exception>
    public static long Add(PolledSocket socket, SafeHandle handle)
    {
        lock (Gate)
        {
            if (_poll < 0)
                Start();
            long key = ++_lastKey;
            Sockets[key] = socket;
            Span<byte> request = stackalloc byte[EventSize];
            MemoryMarshal.Write(request, In | RdHup | EdgeTriggered);
            MemoryMarshal.Write(request[KeyOffset..], key);
            if (Control(_poll, CtlAdd, handle, request) == 0)
                return key;

            // A socket that was another object's before.
            int errno = Marshal.GetLastPInvokeError();
            if (errno == Eexist && Control(_poll, CtlMod, handle, request) == 0)
                return key;
            Remove(key);
            throw Refused("epoll_ctl", errno);
        }
    }

    /// <summary>It is told nothing more; the system forgets it when it is closed.</summary>
    public static void Remove(long key) => Sockets.TryRemove(key, out _);

    /// <summary>The lock is held.</summary>
    private static void Start()
    {
        int poll = Create(CloseOnExec);
        if (poll < 0)
            throw Refused("epoll_create1", Marshal.GetLastPInvokeError());
        new Thread(() => Run(poll)) { IsBackground = true, Name = "Ballast sockets" }.Start();
        _poll = poll;
    }

    private static void Run(int poll)
    {
        byte[] events = new byte[MaxEvents * EventSize];
        while (true)
        {
            int count = Wait(poll, events, MaxEvents, -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Eintr)
                break;
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> one = events.AsSpan(i * EventSize, EventSize);
                if (Sockets.TryGetValue(MemoryMarshal.Read<long>(one[KeyOffset..]), out PolledSocket? socket))
                    socket.Readable(isLast: (MemoryMarshal.Read<uint>(one) & (RdHup | Hup | Err)) != 0);
            }
        }

        // A program that closes descriptors which are not its own has closed ours: who waits shall not do so for ever.
        lock (Gate)
            _poll = -1;
        foreach ((long key, PolledSocket socket) in Sockets)
        {
            Remove(key);
            socket.Readable(isLast: true);
        }
    }

    private static LibvirtException Refused(string call, int errno) =>
        LibvirtError.System(errno, ErrorOrigin.Rpc,
            $"a socket cannot be waited for ({call}: {Marshal.GetPInvokeErrorMessage(errno)}): raise the limit of open files, or fs.epoll.max_user_watches");

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(int poll, int operation, SafeHandle socket, ReadOnlySpan<byte> request);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int poll, Span<byte> events, int maxEvents, int timeout);
}
