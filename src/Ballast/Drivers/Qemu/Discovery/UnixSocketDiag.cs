using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>One unix socket: its bound name and its peer, as the kernel's socket diagnosis tells.</summary>
/// <param name="Inode">The socket's own inode, as in /proc/PID/fd.</param>
/// <param name="PeerInode">The inode of the socket at the other end; 0 where there is none.</param>
/// <param name="IsListening">Whether it waits for clients; one that is not is somebody's connection.</param>
/// <param name="Name">The path it was bound to, as it was written; connections that it accepted have the same.</param>
/// <param name="File">The entry that it was bound to.</param>
/// <param name="Waiting">For a listening one, the inodes of the clients that wait to be accepted; 0 for those that left.</param>
internal readonly record struct UnixSocketEntry(
    uint Inode, uint PeerInode, bool IsListening, string? Name, SocketFile? File, uint[] Waiting)
{
    /// <summary>The inodes of the clients at the other end, of this connection or of those that wait; dead ones do not count.</summary>
    public IEnumerable<uint> Clients => (IsListening ? Waiting : [PeerInode]).Where(inode => inode != 0);
}

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
    private const int BufferBytes = 64 * 1024;
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

    /// <summary>All unix sockets of a namespace; null where the kernel does not tell.</summary>
    public static List<UnixSocketEntry>? ReadAll(NetNamespace place)
    {
        using UnixSocketDiag? diag = Open(place);
        return diag?.Read(AllStates, ShowName | ShowFile | ShowPeer | ShowWaiting);
    }

    /// <summary>The listening sockets, with the clients that wait to be accepted.</summary>
    public List<UnixSocketEntry>? ReadWaiting() => Read(ListeningOnly, ShowWaiting);

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
        return diag?.Read(request, isOne: true) is [{ } entry] && entry.Inode == inode ? entry.PeerInode : null;
    }

    public void Dispose() => _socket.Dispose();

    private List<UnixSocketEntry>? Read(uint states, uint show)
    {
        Span<byte> request = stackalloc byte[RequestBytes];
        WriteRequest(request, RequestDump, states, show);
        return Read(request, isOne: false);
    }

    private List<UnixSocketEntry>? Read(ReadOnlySpan<byte> request, bool isOne)
    {
        if (HostCalls.Send(_socket, request[..RequestBytes], Shown) != RequestBytes)
            return null;

        // The kernel has its answer ready: it is made within each receive.
        List<UnixSocketEntry> entries = [];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (nint length; entries.Count < MaxEntries && (length = HostCalls.Recv(_socket, buffer.AsSpan(0, BufferBytes), Shown)) > 0;)
            {
                if (ReadMessages(buffer.AsSpan(0, (int)length), entries) is { } isWhole)
                    return isWhole ? entries : null;
                if (isOne && entries.Count > 0)
                    return entries;
            }

            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
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
    private static bool? ReadMessages(ReadOnlySpan<byte> messages, List<UnixSocketEntry> entries)
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
                entries.Add(ReadEntry(messages[HeaderBytes..length]));
            messages = messages[Math.Min(Align(length), messages.Length)..];
        }

        return null;
    }

    private static UnixSocketEntry ReadEntry(ReadOnlySpan<byte> entry)
    {
        byte state = entry[2];
        uint inode = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        uint peer = 0;
        string? name = null;
        SocketFile? file = null;
        uint[] waiting = [];
        ReadOnlySpan<byte> attributes = entry[EntryBytes..];
        while (attributes.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]);
            if (length < 4 || length > attributes.Length)
                break;
            ReadOnlySpan<byte> value = attributes[4..length];
            if (type == AttributePeer && value.Length >= 4)
                peer = BinaryPrimitives.ReadUInt32LittleEndian(value);
            else if (type == AttributeWaiting)
                waiting = MemoryMarshal.Cast<byte, uint>(value[..(value.Length & ~3)]).ToArray();
            else if (type == AttributeFile && value.Length >= 8)
                file = new SocketFile(BinaryPrimitives.ReadUInt32LittleEndian(value), BinaryPrimitives.ReadUInt32LittleEndian(value[4..]));
            else if (type == AttributeName && !value.IsEmpty && value[0] != 0)
                name = Encoding.UTF8.GetString(value).TrimEnd('\0');
            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        return new UnixSocketEntry(inode, peer, state == Listening, name, file, waiting);
    }

    private static int Align(int length) => (length + 3) & ~3;

    private static SafeFileHandle CreateSocket() => new(HostCalls.Socket(AfNetlink, SockDgram | SockCloexec, NetlinkSockDiag, Shown), ownsHandle: true);

    private static SafeFileHandle OpenNamespace(string path) => new(HostCalls.Open(path, SockCloexec), ownsHandle: true);
}
