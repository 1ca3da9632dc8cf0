using Ballast.Drivers.Qemu;
using Ballast.Drivers.Remote;
using Ballast.Drivers.Test;

namespace Ballast.Drivers;

/// <summary>Picks the driver of a URI.</summary>
internal static class DriverSelection
{
    // libvirt's; a URI with another one is no URI of a daemon, whatever its driver.
    private static readonly string[] Transports = ["tls", "unix", "ssh", "ext", "tcp", "libssh2", "libssh"];

    /// <summary>The URI for callers that named none.</summary>
    public static string DefaultUri() =>
        Environment.GetEnvironmentVariable("LIBVIRT_DEFAULT_URI") is { Length: > 0 } uri ? Resolve(uri)
        : LibvirtConf.Read().DefaultUri is { } named ? Resolve(named)
        : RemoteAddress.DefaultUri() ?? "qmp:///";

    /// <summary>The URI that a name stands for in libvirt.conf's <c>uri_aliases</c>; else itself.</summary>
    /// <exception cref="LibvirtException">An entry there is malformed.</exception>
    public static string Resolve(string uri) =>
        uri.Contains(':', StringComparison.Ordinal) ? uri : LibvirtConf.Read().Find(uri) ?? uri;

    /// <summary>The socket of a daemon of this host; null where there is none for this user.</summary>
    public static string? FindSocket(string target, bool readOnly) => SocketRelay.Find(target, readOnly);

    /// <summary>Passes a connection on to it.</summary>
    public static Task RelayAsync(string target, bool readOnly, Stream input, Stream output, CancellationToken cancellationToken) =>
        SocketRelay.RunAsync(target, readOnly, input, output, cancellationToken);

    /// <summary>The QEMUs behind several monitor sockets and directories, be they there yet or not.</summary>
    public static IDriver OpenMonitors(IReadOnlyList<string> paths, IReadOnlyList<string> ownSockets, ConnectionOptions options) =>
        QemuDriver.OpenMonitors(paths, ownSockets, options);

    /// <summary>What the last look at the host could not see; null where it saw all, or nobody looks.</summary>
    public static string? LookTrouble(IDriver driver) => (driver as QemuDriver)?.LookTrouble;

    /// <summary>Whose QEMUs are asked from now on.</summary>
    public static void Retrust(IDriver driver, ConnectionOptions options) => (driver as QemuDriver)?.Retrust(options);

    public static async ValueTask<IDriver> OpenAsync(
        ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken) =>
        (uri.Driver, uri.Transport, uri.Host) switch
        {
            (_, { } transport, _) when !Transports.Contains(transport, StringComparer.Ordinal) => throw LibvirtError.Report(
                ErrorCode.InvalidArgument, ErrorOrigin.Remote,
                $"remote_open: transport in URL not recognised (should be {string.Join('|', Transports)})"),
            ("test", null, "") when uri.Path == FleetDriver.Path => FleetDriver.Open(uri, options),
            ("test", null, "") => await TestDriver.OpenAsync(uri, options, cancellationToken).ConfigureAwait(false),
            ("qmp", null, "") => await QemuDriver.OpenAsync(uri, options, cancellationToken).ConfigureAwait(false),
            (_, "libssh" or "libssh2", _) => throw Unsupported(uri, "use ssh, which runs the system's ssh with its keys and settings"),
            (_, "ext", _) => throw Unsupported(uri, "use ssh with the parameter command=, the program to run instead of ssh"),
            ("qemu", null, "system" or "session") when uri.Path.Length == 0 => throw NoDriver(uri),
            (_, "unix" or "tcp" or "tls" or "ssh", _) or ("qemu", null, _) => await RemoteDriver.OpenAsync(uri, options, cancellationToken).ConfigureAwait(false),
            _ => throw NoDriver(uri),
        };

    private static LibvirtException NoDriver(ConnectUri uri) => LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None, uri.Original + Suggestion(uri));

    private static LibvirtException Unsupported(ConnectUri uri, string instead) => LibvirtError.Report(
        ErrorCode.InvalidArgument, ErrorOrigin.Remote, $"the transport '{uri.Transport}' in {uri.Original} is not supported: {instead}");

    // The mistakes that people make with URIs: a slash too few, so that the path's beginning is taken for a host, and another
    // program's word for a socket.
    private static string Suggestion(ConnectUri uri) => uri switch
    {
        { Driver: "qmp", Host.Length: > 0 } => $"; did you mean qmp:///{uri.Host}{uri.Path}",
        { Driver: "test", Host.Length: > 0, Transport: null } => $"; did you mean test:///{uri.Host}",
        { Driver: "qemu", Host: "system" or "session", Transport: null } => $"; did you mean qemu:///{uri.Host}",
        { Driver: "unix" or "file", Path: ['/', ..] } => $"; did you mean qmp://{uri.Path}",
        { Driver: "kvm" or "libvirt", Host: "" } => $"; did you mean qemu://{(uri.Path is "/session" ? uri.Path : "/system")}",
        _ => "",
    };
}
