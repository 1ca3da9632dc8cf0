using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Daemon;

/// <summary>Who is at the other end of a unix socket, and who may be.</summary>
internal static partial class UnixAccess
{
    private const int SolSocket = 1, SoPeerCred = 17, SoPeerGroups = 59;
    private const int UidOffset = 4, GidOffset = 8, CredentialBytes = 12;

    public static uint OwnUid { get; } = GetUid();

    /// <summary>Whether root, the daemon's own user, or a member of the group is there.</summary>
    public static bool MayChange(Socket socket, uint? group)
    {
        Span<byte> credentials = stackalloc byte[CredentialBytes];
        if (socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) < CredentialBytes)
            return false;
        uint uid = MemoryMarshal.Read<uint>(credentials[UidOffset..]), gid = MemoryMarshal.Read<uint>(credentials[GidOffset..]);
        return uid == 0 || uid == OwnUid || (group is { } wanted && (gid == wanted || HasGroup(socket, wanted)));
    }

    /// <summary>The number of a group; null where there is none.</summary>
    public static uint? FindGroup(string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            return number;

        // name:password:number:members
        const int numberField = 2;
        foreach (string line in File.ReadLines("/etc/group"))
        {
            string[] fields = line.Split(':');
            if (fields.Length > numberField && fields[0] == name && uint.TryParse(fields[numberField], NumberStyles.None, CultureInfo.InvariantCulture, out uint gid))
                return gid;
        }

        return null;
    }

    /// <summary>Files that are made from now on are only the daemon's own, until it opens them to others.</summary>
    public static void MakeFilesPrivate() => _ = UMask(0x3F);

    /// <exception cref="IOException">It cannot be given to the group.</exception>
    public static void GiveToGroup(string path, uint group)
    {
        const uint sameOwner = uint.MaxValue;
        if (ChangeOwner(path, sameOwner, group) != 0)
            throw new IOException($"cannot give {path} to group {group}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static bool HasGroup(Socket socket, uint wanted)
    {
        // As many as the kernel allows.
        const int maxGroups = 65536;
        byte[] groups = new byte[maxGroups * sizeof(uint)];
        try
        {
            int length = socket.GetRawSocketOption(SolSocket, SoPeerGroups, groups);
            return MemoryMarshal.Cast<byte, uint>(groups.AsSpan(0, length)).Contains(wanted);
        }
        catch (SocketException)
        {
            // A kernel before 4.13 cannot tell.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "getuid")]
    private static partial uint GetUid();

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint UMask(uint mask);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
