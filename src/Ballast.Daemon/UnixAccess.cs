using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Daemon;

/// <summary>The process at the other end, when it connected or began to listen.</summary>
/// <param name="Pid">Its number; 0 where it is in no namespace of ours.</param>
/// <param name="Uid">Its user.</param>
/// <param name="Gid">Its group.</param>
internal readonly record struct PeerProcess(int Pid, uint Uid, uint Gid);

/// <summary>Who is at the other end of a unix socket, and who may be.</summary>
internal static partial class UnixAccess
{
    private const int SolSocket = 1, SoPeerCred = 17, SoPeerGroups = 59;
    private const int NumberField = 2;
    private const int UidOffset = 4, GidOffset = 8, CredentialBytes = 12;

    public static uint OwnUid { get; } = Libc.GetUid();

    /// <summary>Who is there; null where the kernel does not know.</summary>
    public static PeerProcess? Peer(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[CredentialBytes];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) < CredentialBytes
            ? null
            : new PeerProcess(
                MemoryMarshal.Read<int>(credentials), MemoryMarshal.Read<uint>(credentials[UidOffset..]), MemoryMarshal.Read<uint>(credentials[GidOffset..]));
    }

    /// <summary>Whether root, the daemon's own user, or a member of the group is there.</summary>
    public static bool MayChange(Socket socket, in PeerProcess peer, uint? group) =>
        peer.Uid == 0 || peer.Uid == OwnUid || (group is { } wanted && (peer.Gid == wanted || HasGroup(socket, wanted)));

    /// <summary>The number of a group; null where there is none.</summary>
    public static uint? FindGroup(string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            return number;

        // name:password:number:members
        return Lines("/etc/group").FirstOrDefault(fields => fields[0] == name) is { } found
            && uint.TryParse(found[NumberField], NumberStyles.None, CultureInfo.InvariantCulture, out uint gid)
                ? gid
                : null;
    }

    /// <summary>The name of a user; null where it has none here.</summary>
    public static string? FindUser(uint uid)
    {
        string number = uid.ToString(CultureInfo.InvariantCulture);
        return Lines("/etc/passwd").FirstOrDefault(fields => fields[NumberField] == number)?[0];
    }

    private static IEnumerable<string[]> Lines(string file)
    {
        try
        {
            return [.. File.ReadLines(file).Select(line => line.Split(':')).Where(fields => fields.Length > NumberField)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The number of a group that was named; null where none was.</summary>
    /// <exception cref="UsageException">There is no such group.</exception>
    public static uint? RequireGroup(string? name) =>
        name is null ? null : FindGroup(name) ?? throw new UsageException($"there is no group '{name}': make it (groupadd {name}), or name another (group, --group)");

    /// <summary>Files that are made from now on are only the daemon's own, until it opens them to others.</summary>
    public static void MakeFilesPrivate() => _ = Libc.Umask(0x3F);

    /// <param name="path">What leads to the file.</param>
    /// <param name="group">The group's number.</param>
    /// <param name="name">What the file is called where it cannot be given.</param>
    /// <exception cref="IOException">It cannot be given to the group.</exception>
    public static void GiveToGroup(string path, uint group, string name)
    {
        const uint sameOwner = uint.MaxValue;
        if (Libc.Chown(path, sameOwner, group) != 0)
            throw new IOException($"cannot give {name} to group {group}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static bool HasGroup(Socket socket, uint wanted)
    {
        // Few users have more than a hundred; the kernel allows 65,536.
        Span<uint> few = stackalloc uint[128];
        try
        {
            return HasGroup(socket, wanted, few);
        }
        catch (SocketException)
        {
            // More groups than that, or a kernel before 4.13, which cannot tell.
        }

        try
        {
            const int maxGroups = 65536;
            return HasGroup(socket, wanted, new uint[maxGroups]);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool HasGroup(Socket socket, uint wanted, Span<uint> room)
    {
        int length = socket.GetRawSocketOption(SolSocket, SoPeerGroups, MemoryMarshal.AsBytes(room));
        return room[..(length / sizeof(uint))].Contains(wanted);
    }
}
