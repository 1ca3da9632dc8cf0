using System.Globalization;
using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>Where the daemon of a URI is, and how it is asked.</summary>
/// <param name="Endpoint">The way to it.</param>
/// <param name="Name">The URI without what only the client needs.</param>
/// <param name="Authentication">The way to prove who one is that the daemon must have; null: any that it wants.</param>
/// <param name="Timeout">How long to wait for it; null where the URI does not say.</param>
internal sealed record RemoteAddress(IEndpoint Endpoint, string Name, string? Authentication, TimeSpan? Timeout)
{
    private const int TcpPort = 16509, TlsPort = 16514;

    private static readonly string[] Known = ["auth", "authfile", "mode", "name", "socket", "timeout"], KnownForTcp = ["auth", "authfile", "name", "timeout"];

    private static readonly string[] KnownForTls = ["auth", "authfile", "name", "no_sanity", "no_verify", "pkipath", "timeout", "tls_priority"];

    // Each turns something off. Where a transport does not do that anyway, it is honoured.
    private static readonly string[] Switches = ["no_sanity", "no_tty", "no_verify"];

    // Of libvirt's other transports: a unix socket has no use for them, and libvirt's client, which takes them, none either.
    private static readonly string[] Unused =
        ["command", "keyfile", "known_hosts", "known_hosts_verify", "netcat", "pkipath", "proxy", "sshauth", "tls_priority", .. Switches];

    /// <param name="uri">The daemon's.</param>
    /// <param name="readOnly">Whether nothing is to be changed.</param>
    /// <param name="mayAsk">Whether ssh may ask whoever sits at the terminal.</param>
    /// <exception cref="LibvirtException">The URI is none that this driver takes.</exception>
    public static RemoteAddress Of(ConnectUri uri, bool readOnly, bool mayAsk = true)
    {
        // libvirt's client sends on what it does not know, and its daemon's QEMU driver looks at none of it: a misspelt name
        // would be lost without a word.
        string name = uri.Parameter("name") ?? $"{uri.Driver}://{uri.Path}";
        IEndpoint endpoint;
        switch (uri.Transport)
        {
            case "ssh":
                uri.RefuseUnknown(ErrorOrigin.Remote, SshCommand.Known, Switches);
                CheckValues(uri);
                endpoint = SshCommand.Of(uri, name, readOnly, mayAsk).ToEndpoint();
                break;
            case "tcp":
                uri.RefuseUnknown(ErrorOrigin.Remote, KnownForTcp, Switches);
                CheckValues(uri);
                endpoint = Tcp(uri, TcpPort);
                break;
            case "tls":
            case null when uri.Host.Length > 0:
                uri.RefuseUnknown(ErrorOrigin.Remote, KnownForTls, Switches);
                CheckValues(uri);
                CheckPriority(uri);
                endpoint = new TlsEndpoint(Tcp(uri, TlsPort), Pki(uri), Verifies: !IsOn(uri, "no_verify"), ChecksOwn: !IsOn(uri, "no_sanity"));
                break;
            default:
                if (uri.Host.Length > 0)
                    throw Bad($"using unix socket and remote server '{uri.Host}' is not supported.");
                uri.RefuseUnknown(ErrorOrigin.Remote, Known, Unused);
                CheckValues(uri);
                List<string> sockets = RemoteSockets.OfThisHost(uri, readOnly);
                endpoint = new UnixEndpoint(uri.Parameter("socket") is { } socket ? [socket] : sockets);
                break;
        }

        return new RemoteAddress(endpoint, name, uri.Parameter("auth"), uri.Timeout(ErrorOrigin.Remote));
    }

    /// <summary>The daemon for callers who named none: ballastd's, or libvirt's; null where neither is there.</summary>
    public static string? DefaultUri()
    {
        string path = Environment.IsPrivilegedProcess ? "system" : "session";
        ConnectUri uri = ConnectUri.Parse($"qemu:///{path}");
        return RemoteSockets.OfThisHost(uri, readOnly: false).Any(File.Exists) ? uri.Original : null;
    }

    /// <summary>What libvirt's client refuses whatever the transport.</summary>
    private static void CheckValues(ConnectUri uri)
    {
        foreach ((string name, string value) in uri.Parameters)
        {
            if (Switches.Contains(name, StringComparer.OrdinalIgnoreCase) && !TryReadSwitch(value, out _))
                throw Bad($"{name} '{DisplayText.Escape(value)}' in {uri.Original} is not a number");
        }

        if (uri.Parameter("proxy") is not (null or SshCommand.Auto or SshCommand.Netcat or SshCommand.Native) and { } proxy)
            throw Bad($"unknown proxy type '{DisplayText.Escape(proxy)}'");
        if (uri.Parameter("auth") is { } way && !RemoteAuthentication.IsKnown(way))
            throw RemoteAuthentication.Failed($"unknown authentication type {DisplayText.Escape(way)}");
    }

    private static TcpEndpoint Tcp(ConnectUri uri, int usualPort) =>
        new(uri.Host.Length > 0 ? uri.Host : "localhost", uri.Port is > 0 and var port ? port : usualPort);

    private static PkiFiles Pki(ConnectUri uri) =>
        uri.Parameter("pkipath") is { } path ? path.Length > 0 && !path.Any(char.IsControl) ? PkiFiles.In(path, isServer: false) : throw Bad($"pkipath in {uri.Original} is not a directory")
        : Environment.IsPrivilegedProcess ? PkiFiles.OfSystem(isServer: false)
        : PkiFiles.OfUser(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    // GnuTLS's language; what is said in it for nearly everybody is what OpenSSL does anyway.
    private static void CheckPriority(ConnectUri uri)
    {
        if (uri.Parameter("tls_priority") is not (null or "NORMAL") and { } priority)
        {
            throw Bad($"tls_priority '{DisplayText.Escape(priority)}' in {uri.Original} is for GnuTLS, and OpenSSL is used here: leave it out " +
                "(TLS 1.2 and 1.3), or set CipherString and MinProtocol in openssl.cnf");
        }
    }

    /// <summary>Whether a switch is on; of several the last counts.</summary>
    public static bool IsOn(ConnectUri uri, string name) =>
        uri.Parameter(name) is { } value && TryReadSwitch(value, out int number) && number != 0;

    public static LibvirtException Bad(string detail) => LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Remote, detail);

    private static bool TryReadSwitch(string value, out int number) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out number);
}
