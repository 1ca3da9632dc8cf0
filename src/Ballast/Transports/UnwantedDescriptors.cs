using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// Descriptors that a peer hands over on a Unix socket. Nobody here wants any, and whose last reference is dropped may keep the thread that
/// drops it for as long as the peer says: a TCP socket that lingers, a file of a file system that does not answer. Linux 6.16
/// and later refuse them to the sender; what an older kernel lets through is closed by threads that nobody waits for.
/// </summary>
internal static class UnwantedDescriptors
{
    private const int SocketLevel = 1, PassRights = 83, NotOfUnix = 95;
    private const int Rights = 1;

    // Each may stand still. What they cannot take waits, open, until one of them goes on.
    private const int MostThreads = 32;

    // struct cmsghdr: its length with what follows, its level, its type.
    private static readonly int LevelOffset = nint.Size, TypeOffset = nint.Size + sizeof(int), HeaderBytes = nint.Size + (2 * sizeof(int));

    private static readonly ConcurrentQueue<object> Waiting = [];
    private static int _threads;

    /// <summary>What the kernel says of a socket that was asked to refuse descriptors.</summary>
    public enum Refusal
    {
        /// <summary>From now on its peer cannot send any; what was sent before is still to come.</summary>
        Set,

        /// <summary>It is no Unix socket, and none can come.</summary>
        NotNeeded,

        /// <summary>The kernel is older.</summary>
        Unknown,
    }

    /// <summary>Lets the kernel refuse them to the peer; to those of a listening socket that connect from now on.</summary>
    public static Refusal Refuse(SafeHandle socket)
    {
        try
        {
            if (Libc.SetSockOpt(socket, SocketLevel, PassRights, 0, sizeof(int)) == 0)
                return Refusal.Set;
            return Marshal.GetLastPInvokeError() == NotOfUnix ? Refusal.NotNeeded : Refusal.Unknown;
        }
        catch (ObjectDisposedException)
        {
            return Refusal.Unknown;
        }
    }

    /// <summary>Closes those of a message.</summary>
    /// <param name="control">What the kernel wrote beside the bytes (cmsg(3)).</param>
    /// <returns>Whether there were any.</returns>
    public static bool TryClose(ReadOnlySpan<byte> control)
    {
        bool any = false;
        while (control.Length >= HeaderBytes)
        {
            int length = (int)nint.Clamp(MemoryMarshal.Read<nint>(control), HeaderBytes, control.Length);
            if (MemoryMarshal.Read<int>(control[LevelOffset..]) == SocketLevel && MemoryMarshal.Read<int>(control[TypeOffset..]) == Rights)
            {
                any = true;
                Close(MemoryMarshal.Cast<byte, int>(control[HeaderBytes..length]).ToArray());
            }

            control = control[Math.Min(control.Length, (length + nint.Size - 1) & -nint.Size)..];
        }

        return any;
    }

    /// <summary>Closes a socket in which some may wait unread.</summary>
    public static void Close(SafeHandle socket) => Queue(socket);

    private static void Close(int[] descriptors) => Queue(descriptors);

    private static void Queue(object closing)
    {
        Waiting.Enqueue(closing);
        Start();
    }

    private static void Start()
    {
        // Where there is no room for a thread they wait for the next.
        if (Interlocked.Increment(ref _threads) > MostThreads || !Unattended.TryStartThread("Ballast closing", Run, out _))
            Interlocked.Decrement(ref _threads);
    }

    private static void Run()
    {
        while (Waiting.TryDequeue(out object? closing))
        {
            if (closing is int[] descriptors)
                Array.ForEach(descriptors, static descriptor => _ = Libc.Close(descriptor));
            else
                ((SafeHandle)closing).Dispose();
        }

        Interlocked.Decrement(ref _threads);

        // One may have come since, and found no thread to be started.
        if (!Waiting.IsEmpty)
            Start();
    }
}
