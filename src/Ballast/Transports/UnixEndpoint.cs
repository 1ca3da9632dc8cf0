using System.Runtime.InteropServices;

namespace Ballast.Transports;

/// <summary>A daemon of this host.</summary>
/// <param name="Sockets">Unix sockets to try, the first that is there.</param>
internal sealed record UnixEndpoint(IReadOnlyList<string> Sockets) : IEndpoint
{
    private const int TryAgain = 11;

    public string Daemon => "the daemon";

    public string Advice => "";

    public bool IsPrivate => true;

    public bool SharesClock => true;

    /// <summary>The socket to connect to: the first that is there, or else the last, whose absence is the error.</summary>
    public string Socket => Sockets.FirstOrDefault(File.Exists) ?? Sockets[^1];

    /// <exception cref="LibvirtException">It cannot be connected to, in libvirt's words.</exception>
    public async ValueTask<ITransport> ConnectAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken) =>
        new SocketTransport(await ConnectAsync(Socket, timeout, time, cancellationToken).ConfigureAwait(false));

    /// <exception cref="LibvirtException">It cannot be connected to, in libvirt's words.</exception>
    public static async ValueTask<SafeHandle> ConnectAsync(string path, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        long since = time.GetTimestamp();
        while (true)
        {
            int errno = UnixSocketClient.TryConnect(path, out SafeHandle? socket);
            if (socket is not null)
                return socket;

            // Its queue of waiting clients is full for the moment.
            if (errno != TryAgain || time.GetElapsedTime(since) >= timeout)
                throw Failure(path, errno);

            await Task.Delay(TimeSpan.FromMilliseconds(10), time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Also where access is denied: a daemon that has just made its socket may not have opened it to its group yet.</summary>
    internal static LibvirtException Failure(string path, int errno) =>
        LibvirtError.System(errno, ErrorOrigin.Rpc, $"Failed to connect socket to '{path}': {Marshal.GetPInvokeErrorMessage(errno)}");
}
