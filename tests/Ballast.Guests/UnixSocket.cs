using System.Net.Sockets;

namespace Ballast.Guests;

public static class UnixSocket
{
    private const int AcceptsConnections = 0x10000;

    public static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }

    public static async Task<NetworkStream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether a server listens there, without connecting: a probing connection would be a client to it.
    /// The file exists a moment before it listens, so its existence alone does not tell.
    /// </summary>
    public static bool IsListening(string path) =>
        File.Exists(path) && Entries(path).Any(
            line => (Convert.ToInt32(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], 16) & AcceptsConnections) != 0);

    /// <summary>How many sockets a server has there: the one that listens, and one for each client.</summary>
    public static int Count(string path) => Entries(path).Count();

    private static IEnumerable<string> Entries(string path) =>
        File.ReadLines("/proc/net/unix").Where(line => line.EndsWith(" " + path, StringComparison.Ordinal));
}
