using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who listens on the other side of a unix socket, as the kernel knows it.</summary>
/// <param name="Pid">The process that created the listening socket; not always the one that uses it.</param>
/// <param name="Uid">Its user.</param>
internal readonly record struct UnixSocketPeer(int Pid, uint Uid)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static UnixSocketPeer Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        _ = socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return new UnixSocketPeer(MemoryMarshal.Read<int>(credentials), MemoryMarshal.Read<uint>(credentials[4..]));
    }
}

/// <summary>The kernel's list of unix sockets.</summary>
internal static class UnixSocketTable
{
    private const string TablePath = "/proc/net/unix";

    /// <summary>
    /// Whether somebody is connected, or waits to be, to the socket that is bound to a path. Connecting to such a monitor
    /// would queue behind its owner, and take the owner's place when it reconnects.
    /// </summary>
    public static bool IsHeld(string path)
    {
        // Columns: slot, references, protocol, flags, type, state (02: waits to be accepted, 03: connected), inode, path.
        // The third reference is the peer's: without it the client is gone, and the server only has not noticed yet.
        const int referencesColumn = 1, stateColumn = 5, pathColumn = 7;
        Span<Range> columns = stackalloc Range[pathColumn + 1];
        foreach (string line in File.ReadLines(TablePath))
        {
            int count = line.AsSpan().Split(columns, ' ', StringSplitOptions.RemoveEmptyEntries);
            if (count > pathColumn && line.AsSpan()[columns[pathColumn]].SequenceEqual(path)
                && line.AsSpan()[columns[stateColumn]] is "02" or "03"
                && int.TryParse(line.AsSpan()[columns[referencesColumn]], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int references)
                && references > 2)
            {
                return true;
            }
        }

        return false;
    }
}
