using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ballast.Daemon.Systemd;

/// <summary>
/// Sockets that the service manager listens on and passed to the daemon (sd_listen_fds(3)). They are its own: it made them, says
/// who may connect, and keeps them while no daemon runs, with the clients that wait there.
/// </summary>
internal sealed class PassedSockets : IListenSockets
{
    /// <summary>What the units call the descriptors (<c>FileDescriptorName=</c>).</summary>
    public const string ReadWriteName = "readwrite", ReadOnlyName = "readonly", TcpName = "tcp", TlsName = "tls";

    private const int FirstDescriptor = 3, MaxDescriptors = 64;
    private const int SolSocket = 1, SoType = 3, SoAcceptConn = 30, SoDomain = 39, UnixFamily = 1, Ipv4Family = 2, Ipv6Family = 10, Stream = 1;

    private readonly List<(string Name, int Descriptor, EndPoint? Place)> _sockets = [];

    private PassedSockets()
    {
    }

    public ulong? ReadWriteDescriptor => Find(ReadWriteName);

    public ulong? ReadOnlyDescriptor => Find(ReadOnlyName);

    /// <summary>What other hosts connect to without TLS; null where there is none.</summary>
    public NetworkSocket? Tcp => FindNetwork(TcpName);

    /// <summary>What other hosts connect to with TLS; null where there is none.</summary>
    public NetworkSocket? Tls => FindNetwork(TlsName);

    /// <summary>Where the Unix sockets are.</summary>
    public IReadOnlyList<string> Paths => [.. _sockets.Where(socket => !IsNetwork(socket.Name)).Select(Path)];

    public string Description => $"{(Paths.Count == 0 ? "no Unix socket" : string.Join(" and ", Paths))}, passed by systemd";

    /// <summary>What was passed to this process; null where nothing was. Programs that it starts are told nothing of it.</summary>
    /// <exception cref="UsageException">It is nothing to serve libvirt's clients on.</exception>
    public static PassedSockets? Take()
    {
        string? pid = TakeVariable("LISTEN_PID"), count = TakeVariable("LISTEN_FDS"), names = TakeVariable("LISTEN_FDNAMES");
        _ = TakeVariable("LISTEN_PIDFDID");

        // Of a process before this one, which did not take them.
        if (pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture) || count is null)
            return null;
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > MaxDescriptors)
            throw new UsageException($"LISTEN_FDS is '{count}', not a number of descriptors up to {MaxDescriptors}");
        if (number == 0)
            return null;
        string[] each = names?.Split(':') ?? [];
        if (each.Length != number)
            throw new UsageException($"{number} sockets were passed and {each.Length} names (LISTEN_FDNAMES): set FileDescriptorName= in their units");
        PassedSockets passed = new();
        for (int i = 0; i < number; i++)
            passed.Add(each[i], FirstDescriptor + i);
        return passed;
    }

    /// <summary>What is set in vain, or should be changed in the units.</summary>
    public IEnumerable<string> Advice(DaemonOptions options, uint? group)
    {
        const int groupWrite = 0x10;
        if (options.Socket is not null || options.ReadOnlySocket is not null || options.LibvirtPaths)
            yield return "systemd passed the sockets, so socket, socket_ro and libvirt_paths do nothing: set ListenStream= in ballastd.socket and ballastd-ro.socket";
        if ((options.Tcp is not null && Tcp is not null) || (options.Tls is not null && Tls is not null))
            yield return "systemd passed the sockets of TCP or TLS, so the address in tcp or tls does nothing: set ListenStream= in ballastd-tcp.socket and ballastd-tls.socket";
        if (group is not null && _sockets.Find(socket => socket.Name == ReadWriteName) is { Descriptor: > 0 } changing && Path(changing) is var path
            && HostFiles.Look(path, followsLinks: true) is { } file && (file.Mode & groupWrite) == 0)
        {
            yield return $"{path} has mode {file.ModeText}, so the group (group, --group) cannot connect: set SocketGroup= and SocketMode=0660 in ballastd.socket";
        }
    }

    public void OpenTo(uint? group)
    {
        // Who may connect is said in the units.
    }

    public void Remove()
    {
        // Who comes now waits for the next daemon.
    }

    public void Dispose()
    {
        // They end with the process. Closed before, they could be shut down, for whoever has them too.
    }

    private static bool IsNetwork(string name) => name is TcpName or TlsName;

    private static string Path((string Name, int Descriptor, EndPoint? Place) socket) => socket.Place?.ToString() ?? socket.Name;

    private NetworkSocket? FindNetwork(string name) =>
        _sockets.Find(socket => socket.Name == name) is { Place: IPEndPoint address, Descriptor: var descriptor } ? new((ulong)descriptor, address, Own: null) : null;

    private ulong? Find(string name) => _sockets.Find(socket => socket.Name == name) is { Descriptor: > 0 and var descriptor } ? (ulong)descriptor : null;

    // They keep their lack of FD_CLOEXEC: by it the runtime knows that others have them too, and shuts none of them down when it
    // closes it. The daemon starts no programs.
    private void Add(string name, int descriptor)
    {
        if (name is not (ReadWriteName or ReadOnlyName or TcpName or TlsName))
            throw new UsageException($"a socket named '{name}' was passed: FileDescriptorName= can be {ReadWriteName}, {ReadOnlyName}, {TcpName} or {TlsName}");
        if (_sockets.Exists(socket => socket.Name == name))
            throw new UsageException($"two sockets named {name} were passed: one can be used");
        try
        {
            using Socket socket = new(new SafeSocketHandle(descriptor, ownsHandle: false));
            bool hasFamily = Option(socket, SoDomain) is var family && (IsNetwork(name) ? family is Ipv4Family or Ipv6Family : family == UnixFamily);
            if (hasFamily && Option(socket, SoType) == Stream && Option(socket, SoAcceptConn) != 0)
            {
                _sockets.Add((name, descriptor, socket.LocalEndPoint));
                return;
            }
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // No socket at all.
        }

        throw new UsageException($"descriptor {descriptor} ({name}) is not a {(IsNetwork(name)
            ? "TCP socket that listens: use ListenStream= with a port, or an address and a port"
            : "Unix stream socket that listens: use ListenStream= with a path")}");
    }

    private static int Option(Socket socket, int name)
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        _ = socket.GetRawSocketOption(SolSocket, name, value);
        return MemoryMarshal.Read<int>(value);
    }

    private static string? TakeVariable(string name)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }
}
