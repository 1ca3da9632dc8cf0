using System.Net;
using System.Net.Sockets;

namespace Ballast.Daemon;

/// <summary>The sockets that other hosts may connect to.</summary>
/// <param name="tcp">Without TLS.</param>
/// <param name="tls">With TLS.</param>
internal sealed class NetworkSockets(Socket? tcp, Socket? tls) : IDisposable
{
    // As many as may connect before the daemon looks at the first of them.
    private const int Backlog = 512;

    // A peer that is gone without a word is known to be gone after five minutes.
    private const int SilenceSeconds = 120, ProbeSeconds = 30, Probes = 6;

    public ulong? Tcp => Descriptor(tcp);

    public ulong? Tls => Descriptor(tls);

    /// <summary>Where they listen, for people; empty: nowhere.</summary>
    public string Description => string.Concat(
        tcp is null ? "" : $", TCP {tcp.LocalEndPoint}", tls is null ? "" : $", TLS {tls.LocalEndPoint}");

    /// <exception cref="UsageException">It was not meant.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static NetworkSockets Listen(DaemonOptions options)
    {
        Require(options);
        Socket? tcp = options.Tcp is { } plain ? Listen(plain) : null;
        try
        {
            return new NetworkSockets(tcp, options.Tls is { } secure ? Listen(secure) : null);
        }
        catch
        {
            tcp?.Dispose();
            throw;
        }
    }

    /// <summary>Whether it could be done; changes nothing.</summary>
    /// <exception cref="UsageException">It was not meant.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static void Check(DaemonOptions options) => Listen(options).Dispose();

    /// <summary>What is asked of the kernel about a client: to notice when it is gone without a word.</summary>
    public static void Probe(Socket client)
    {
        client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SilenceSeconds);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, ProbeSeconds);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }

    /// <summary>Whoever comes from now on finds nobody.</summary>
    public void Dispose()
    {
        tcp?.Dispose();
        tls?.Dispose();
    }

    private static ulong? Descriptor(Socket? socket) => socket is null ? null : (ulong)socket.SafeHandle.DangerousGetHandle();

    private static void Require(DaemonOptions options)
    {
        if (options.Tcp is { } tcp && !IPAddress.IsLoopback(tcp.Address) && !options.TcpAnywhere)
        {
            throw new UsageException($"tcp: {tcp.Address} is not an address of loopback, and TCP has neither encryption nor authentication: "
                + "use tls, or allow it with tcp_anywhere (--tcp-anywhere)");
        }
    }

    private static Socket Listen(IPEndPoint address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);

            // Every address is IPv4's too.
            if (address.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(address);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"cannot listen on {address}: {e.Message}{Advice(e.SocketErrorCode)}", e);
        }
    }

    private static string Advice(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => ": stop the program that does, or choose another port",
        SocketError.AddressNotAvailable => ": this host has no such address",
        SocketError.AccessDenied => ": choose a port above 1023",
        _ => "",
    };
}
