using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The kernel's list of unix sockets.</summary>
internal static class UnixSocketTable
{
    private const string TablePath = "/proc/net/unix";
    private const string Unconnected = "01";
    private const string Waiting = "02";
    private const string Connected = "03";

    /// <summary>
    /// Whether somebody is connected, or waits to be, to the socket that is bound to a path. Connecting to such a monitor
    /// would queue behind its owner, and take the owner's place when it reconnects.
    /// </summary>
    public static bool IsHeld(string path)
    {
        SocketFile? file = SocketFile.Of(path);
        // A connection whose client is gone has no peer any more: it only waits for QEMU to see that.
        if (UnixSocketDiag.Read() is { Count: > 0 } sockets)
            return sockets.Exists(socket => socket.IsAt(path, file) && socket.Clients.Any());

        // The third reference to a connection is its peer's.
        const int withPeer = 3;
        return Read().Any(socket => socket.Path == path && socket.References >= withPeer && (socket.State is Waiting or Connected));
    }

    /// <summary>The paths that somebody listens on, as they were bound.</summary>
    public static IEnumerable<string> Listening()
    {
        foreach ((string state, _, string bound) in Read())
        {
            if (state == Unconnected && bound.StartsWith('/'))
                yield return bound;
        }
    }

    private static IEnumerable<(string State, int References, string Path)> Read()
    {
        // Columns: slot, references, protocol, flags, type, state, inode, path; the path may hold spaces.
        const int referencesColumn = 1, stateColumn = 5, pathColumn = 7;
        foreach (string line in File.ReadLines(TablePath))
        {
            string[] columns = line.Split(' ', pathColumn + 1, StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length > pathColumn
                && int.TryParse(columns[referencesColumn], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int references))
            {
                yield return (columns[stateColumn], references, columns[pathColumn]);
            }
        }
    }
}
