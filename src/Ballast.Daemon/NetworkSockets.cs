using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Daemon.Systemd;

namespace Ballast.Daemon;

/// <summary>One socket that other hosts may connect to.</summary>
/// <param name="Descriptor">Its number.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="Own">The socket, where the daemon made it; null where it was passed.</param>
internal sealed record NetworkSocket(ulong Descriptor, IPEndPoint Address, Socket? Own);

/// <summary>The sockets that other hosts may connect to.</summary>
/// <param name="tcp">Without TLS.</param>
/// <param name="tls">With TLS.</param>
internal sealed class NetworkSockets(NetworkSocket? tcp, NetworkSocket? tls) : IDisposable
{
    // SOL_SOCKET and SO_REUSEADDR: connections of a daemon that is gone do not keep the port.
    private const int SocketLevel = 1, ReuseAddress = 2;

    // As many as may connect before the daemon looks at the first of them.
    private const int Backlog = 512;

    // A peer that is gone without a word is known to be gone after five minutes.
    private const int SilenceSeconds = 120, ProbeSeconds = 30, Probes = 6;

    public ulong? Tcp => tcp?.Descriptor;

    public ulong? Tls => tls?.Descriptor;

    /// <summary>Where they listen, for people; empty: nowhere.</summary>
    public string Description => string.Concat(
        tcp is null ? "" : $", TCP {tcp.Address}", tls is null ? "" : $", TLS {tls.Address}");

    /// <param name="options">Where to listen.</param>
    /// <param name="passed">What listens already, and is used instead.</param>
    /// <exception cref="UsageException">It was not meant.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static NetworkSockets Listen(DaemonOptions options, PassedSockets? passed = null)
    {
        NetworkSocket? tcp = passed?.Tcp, tls = passed?.Tls;
        Require(tcp?.Address ?? options.Tcp, options.TcpAnywhere);
        RequireApart(tcp?.Address ?? options.Tcp, tls?.Address ?? options.Tls);
        tcp ??= options.Tcp is { } plain ? Listen(plain) : null;
        try
        {
            return new NetworkSockets(tcp, tls ?? (options.Tls is { } secure ? Listen(secure) : null));
        }
        catch
        {
            tcp?.Own?.Dispose();
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
        tcp?.Own?.Dispose();
        tls?.Own?.Dispose();
    }

    /// <exception cref="UsageException">Everybody could connect, and that was not meant.</exception>
    internal static void Require(IPEndPoint? tcp, bool anywhere)
    {
        if (tcp is not null && !IPAddress.IsLoopback(tcp.Address) && !anywhere)
        {
            throw new UsageException($"tcp: {tcp.Address} is not an address of loopback, and TCP has neither encryption nor authentication: "
                + "use tls, or allow it with tcp_anywhere (--tcp-anywhere)");
        }
    }

    /// <exception cref="UsageException">Both are to listen for the same connections.</exception>
    private static void RequireApart(IPEndPoint? tcp, IPEndPoint? tls)
    {
        if (tcp is not null && tls is not null && tcp.Port == tls.Port && tcp.Port != 0 && (Has(tcp.Address, tls.Address) || Has(tls.Address, tcp.Address)))
            throw new UsageException($"tcp and tls both have port {tcp.Port} of {(Has(tcp.Address, tls.Address) ? tls : tcp).Address}: give them different ports");
    }

    // Every address of IPv6 is every one of IPv4 too.
    private static bool Has(IPAddress all, IPAddress one) =>
        all.Equals(one) || all.Equals(IPAddress.IPv6Any) || (all.Equals(IPAddress.Any) && one.AddressFamily == AddressFamily.InterNetwork);

    private static NetworkSocket Listen(IPEndPoint address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // By its number: .NET's option of that name sets SO_REUSEPORT too, by which two daemons would share a port and its clients.
            socket.SetRawSocketOption(SocketLevel, ReuseAddress, MemoryMarshal.AsBytes<int>([1]));

            // Every address is IPv4's too.
            if (address.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(address);
            socket.Listen(Backlog);
            return new NetworkSocket((ulong)socket.SafeHandle.DangerousGetHandle(), (IPEndPoint)socket.LocalEndPoint!, socket);
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
