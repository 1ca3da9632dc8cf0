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
    private const int SocketLevel = 1, PassRights = 83, UrgentInline = 10, Domain = 39, UnixFamily = 1;
    private const int Rights = 1;

    // MSG_PEEK, MSG_DONTWAIT, MSG_CTRUNC, SHUT_RDWR.
    private const int Peek = 2, WithoutWaiting = 0x40, ControlTruncated = 8, BothWays = 2;

    // More than a socket holds: each part is read into the same bytes.
    private const int LookBytes = 4096, LookParts = 128;

    private const int MostThreads = 32;

    // Each may bring 253.
    private const int MostMessages = 8;

    // struct cmsghdr: its length with what follows, its level, its type.
    private static readonly int LevelOffset = nint.Size, TypeOffset = nint.Size + sizeof(int), HeaderBytes = nint.Size + (2 * sizeof(int));

    private static readonly LateClosing Late = new(MostThreads, static run => Unattended.TryStartThread("Ballast closing", run, out _));
    private static int _messages;

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

    /// <summary>How many sockets and messages with descriptors are not closed yet.</summary>
    public static int Waiting => Late.Count;

    /// <summary>
    /// So many messages' descriptors are still open that no more are received: whoever reads looks first (<see cref="TryLook"/>), and a
    /// socket in which some are is closed unread. It is one descriptor, whatever is in it.
    /// </summary>
    public static bool AreTooMany => Volatile.Read(ref _messages) >= MostMessages;

    /// <summary>Lets the kernel refuse them to the peer; to those of a listening socket that connect from now on.</summary>
    public static Refusal Refuse(SafeHandle socket)
    {
        try
        {
            // The error does not tell: an older kernel knows the option of no socket.
            bool isSet = Libc.SetSockOpt(socket, SocketLevel, PassRights, 0, sizeof(int)) == 0;
            if (!isSet && !IsUnix(socket))
                return Refusal.NotNeeded;

            // Else an urgent byte is left out when we look or read, and what came with it is dropped by the thread that reads.
            _ = Libc.SetSockOpt(socket, SocketLevel, UrgentInline, 1, sizeof(int));
            return isSet ? Refusal.Set : Refusal.Unknown;
        }
        catch (ObjectDisposedException)
        {
            return Refusal.Unknown;
        }
    }

    /// <summary>Looks at what there is to receive, and receives neither bytes nor descriptors.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="message">Where the bytes go.</param>
    /// <param name="count">How many came without a descriptor; 0 at the end, negative for an error.</param>
    /// <returns>False where descriptors are among it.</returns>
    public static bool TryLook(SafeHandle socket, Libc.Message message, out int count)
    {
        // Without room for them the kernel only says that there are some.
        message.Control = 0;
        message.ControlLength = 0;
        count = (int)Libc.RecvMsg(socket, ref message, Peek | WithoutWaiting);
        return count < 0 || (message.Flags & ControlTruncated) == 0;
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

    /// <summary>Closes a socket: at once, except where descriptors wait in it.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="isShared">Whether another process may have a copy, which goes on.</param>
    /// <param name="close">Closes it; where none is given, it is disposed of.</param>
    public static void Close(SafeHandle socket, bool isShared = false, Action? close = null)
    {
        close ??= socket.Dispose;
        if (AreIn(socket, isShared))
            Late.Add(close);
        else
            close();
    }

    private static void Close(int[] descriptors)
    {
        _ = Interlocked.Increment(ref _messages);
        Late.Add(() =>
        {
            Array.ForEach(descriptors, static descriptor => _ = Libc.Close(descriptor));
            _ = Interlocked.Decrement(ref _messages);
        });
    }

    private static unsafe bool AreIn(SafeHandle socket, bool isShared)
    {
        byte* bytes = stackalloc byte[LookBytes];
        Libc.MessagePart* parts = stackalloc Libc.MessagePart[LookParts];
        new Span<Libc.MessagePart>(parts, LookParts).Fill(new Libc.MessagePart { Start = (nint)bytes, Length = LookBytes });
        try
        {
            // Nothing comes after the look, and the peer sees the end even where the socket has to wait for a thread.
            if (!isShared)
                _ = Libc.Shutdown(socket, BothWays);
            _ = Libc.SetSockOpt(socket, SocketLevel, UrgentInline, 1, sizeof(int));
            return !TryLook(socket, new Libc.Message { Parts = (nint)parts, PartCount = LookParts }, out int count) || count == LookBytes * LookParts;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static bool IsUnix(SafeHandle socket)
    {
        Span<byte> family = stackalloc byte[sizeof(int)];
        int length = sizeof(int);
        return Libc.GetSockOpt(socket, SocketLevel, Domain, family, ref length) != 0 || MemoryMarshal.Read<int>(family) == UnixFamily;
    }
}
