using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Asks the kernel (sock_diag over netlink) for unix sockets with their peers, which /proc/net/unix lacks.</summary>
/// <remarks>The socket belongs to the network namespace that it was opened in, and tells of the sockets there.</remarks>
internal sealed partial class UnixSocketDiag : IDisposable
{
    private const int AfNetlink = 16, SockDgram = 2, SockCloexec = 0x80000, NetlinkSockDiag = 4;
    private const int CloneNewNet = 0x40000000;
    private const ushort SockDiagByFamily = 20, MessageDone = 3, MessageError = 2;
    private const ushort Request = 1, RequestDump = 0x301;
    private const int HeaderBytes = 16, RequestBytes = HeaderBytes + 24, EntryBytes = 16;
    private const byte AfUnix = 1, Listening = 10;
    private const uint AllStates = uint.MaxValue, ListeningOnly = 1u << Listening;
    private const ulong AnyCookie = ulong.MaxValue;
    private const uint ShowName = 1, ShowFile = 2, ShowPeer = 4, ShowWaiting = 8;
    private const ushort AttributeName = 0, AttributeFile = 1, AttributePeer = 2, AttributeWaiting = 3;
    public const string Shown = "the kernel's table of unix sockets";
    private const int MaxEntries = 1_000_000;

    private readonly SafeFileHandle _socket;

    private UnixSocketDiag(SafeFileHandle socket) => _socket = socket;

    /// <summary>Null where the kernel does not tell, or not this user.</summary>
    public static UnixSocketDiag? Open(NetNamespace place)
    {
        SafeFileHandle? socket = null;
        if (place.IsOwn)
        {
            socket = CreateSocket();
        }
        else
        {
            // The thread that enters the other namespace never comes back from it, and ends.
            HostCalls.RunOnThread("Ballast visitor", Visit);
        }

        if (socket is { IsInvalid: false })
            return new UnixSocketDiag(socket);
        socket?.Dispose();
        return null;

        void Visit()
        {
            using SafeFileHandle target = OpenNamespace(place.Path);
            if (!target.IsInvalid && place.IsBehind(target) && HostCalls.SetNs(target, CloneNewNet, place.Path) == 0)
                socket = CreateSocket();
        }
    }

    /// <summary>The listening sockets, with the clients that wait to be accepted.</summary>
    /// <param name="take">Takes each of them.</param>
    /// <returns>False where the kernel does not tell.</returns>
    public bool ReadListeners(TakeUnixSocket take) => Read(ListeningOnly, ShowName | ShowFile | ShowWaiting, take);

    /// <summary>The sockets that do not listen, with the socket at the other end.</summary>
    /// <param name="take">Takes each of them.</param>
    /// <returns>False where the kernel does not tell.</returns>
    public bool ReadConnections(TakeUnixSocket take) => Read(AllStates & ~ListeningOnly, ShowFile | ShowPeer, take);

    /// <summary>How many sockets listen; those are kept where clients wait to be accepted.</summary>
    /// <param name="awaited">Their inodes.</param>
    /// <returns>Null where the kernel does not tell.</returns>
    public int? ReadAwaited(HashSet<uint> awaited)
    {
        int count = 0;
        return Read(ListeningOnly, ShowWaiting, Take) ? count : null;

        void Take(in UnixSocketMessage socket)
        {
            count++;
            if (socket.Waiting.ContainsAnyExcept(0u))
                awaited.Add(socket.Inode);
        }
    }

    /// <summary>
    /// The socket at the other end of one of this network namespace, by their inodes, without reading the table of all: 0 where there
    /// is none, or nobody has accepted the connection yet; null where the kernel does not tell.
    /// </summary>
    public static uint? PeerOf(uint inode)
    {
        using UnixSocketDiag? diag = Open(NetNamespace.Own);
        Span<byte> request = stackalloc byte[RequestBytes];
        WriteRequest(request, Request, AllStates, ShowPeer);
        BinaryPrimitives.WriteUInt32LittleEndian(request[(HeaderBytes + 8)..], inode);
        BinaryPrimitives.WriteUInt64LittleEndian(request[(HeaderBytes + 16)..], AnyCookie);
        uint? peer = null;
        diag?.Read(request, isOne: true, Take);
        return peer;

        void Take(in UnixSocketMessage socket)
        {
            if (socket.Inode == inode)
                peer = socket.Peer;
        }
    }

    public void Dispose() => _socket.Dispose();

    private bool Read(uint states, uint show, TakeUnixSocket take)
    {
        Span<byte> request = stackalloc byte[RequestBytes];
        WriteRequest(request, RequestDump, states, show);
        return Read(request, isOne: false, take);
    }

    private bool Read(ReadOnlySpan<byte> request, bool isOne, TakeUnixSocket take)
    {
        if (HostCalls.Send(_socket, request[..RequestBytes], Shown) != RequestBytes)
            return false;

        // The kernel has its answer ready: it is made within each receive, and never longer than a piece.
        byte[] buffer = SparePieces.Shared.Take();
        try
        {
            int count = 0;
            for (nint length; count < MaxEntries && (length = HostCalls.Recv(_socket, buffer, Shown)) > 0;)
            {
                if (ReadMessages(buffer.AsSpan(0, (int)length), take, ref count) is { } isWhole)
                    return isWhole;
                if (isOne && count > 0)
                    return true;
            }

            return false;
        }
        finally
        {
            SparePieces.Shared.Return(buffer);
        }
    }

    private static void WriteRequest(Span<byte> request, ushort flags, uint states, uint show)
    {
        request.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(request, RequestBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(request[4..], SockDiagByFamily);
        BinaryPrimitives.WriteUInt16LittleEndian(request[6..], flags);
        request[HeaderBytes] = AfUnix;
        BinaryPrimitives.WriteUInt32LittleEndian(request[(HeaderBytes + 4)..], states);
        BinaryPrimitives.WriteUInt32LittleEndian(request[(HeaderBytes + 12)..], show);
    }

    // Null: there is more to come; else whether it came to its end without an error.
    private static bool? ReadMessages(ReadOnlySpan<byte> messages, TakeUnixSocket take, ref int count)
    {
        while (messages.Length >= HeaderBytes)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(messages);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(messages[4..]);
            if (type is MessageDone or MessageError || length < HeaderBytes || length > messages.Length)
            {
                // An error is a negative number behind the header.
                if (type == MessageError && messages.Length >= HeaderBytes + sizeof(int))
                    LookTrouble.Note(-BinaryPrimitives.ReadInt32LittleEndian(messages[HeaderBytes..]), Shown);
                return type == MessageDone;
            }

            if (length >= HeaderBytes + EntryBytes)
            {
                count++;
                take(ReadEntry(messages[HeaderBytes..length]));
            }

            messages = messages[Math.Min(Align(length), messages.Length)..];
        }

        return null;
    }

    // Nothing is made of it before somebody wants it: most sockets of a host are nobody's who is asked for.
    private static UnixSocketMessage ReadEntry(ReadOnlySpan<byte> entry)
    {
        UnixSocketMessage message = new() { Inode = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]), IsListening = entry[2] == Listening };
        ReadOnlySpan<byte> attributes = entry[EntryBytes..];
        while (attributes.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]);
            if (length < 4 || length > attributes.Length)
                break;
            ReadOnlySpan<byte> value = attributes[4..length];
            if (type == AttributePeer && value.Length >= 4)
                message.Peer = BinaryPrimitives.ReadUInt32LittleEndian(value);
            else if (type == AttributeWaiting)
                message.Waiting = MemoryMarshal.Cast<byte, uint>(value[..(value.Length & ~3)]);
            else if (type == AttributeFile && value.Length >= 8)
                message.File = new SocketFile(BinaryPrimitives.ReadUInt32LittleEndian(value), BinaryPrimitives.ReadUInt32LittleEndian(value[4..]));
            else if (type == AttributeName && !value.IsEmpty && value[0] != 0)
                message.Name = value.TrimEnd((byte)0);
            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        return message;
    }

    private static int Align(int length) => (length + 3) & ~3;

    private static SafeFileHandle CreateSocket() => new(HostCalls.Socket(AfNetlink, SockDgram | SockCloexec, NetlinkSockDiag, Shown), ownsHandle: true);

    private static SafeFileHandle OpenNamespace(string path) => new(HostCalls.Open(path, SockCloexec, LookKind.Kernel), ownsHandle: true);
}
