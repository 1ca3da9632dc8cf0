using System.Globalization;

namespace Ballast.Drivers.Remote;

/// <summary>Where the daemon of a URI is, and how it is asked.</summary>
/// <param name="Sockets">Unix sockets to try, the first that is there.</param>
/// <param name="Name">The URI without what only the client needs.</param>
/// <param name="Authentication">The way to prove who one is that the daemon must have; null: any that it wants.</param>
/// <param name="Timeout">How long to wait for it; null where the URI does not say.</param>
internal sealed record RemoteAddress(IReadOnlyList<string> Sockets, string Name, string? Authentication, TimeSpan? Timeout)
{
    private const string SystemRun = "/var/run/libvirt", OwnSystemRun = "/run/ballast";

    private static readonly string[] Known = ["auth", "mode", "name", "socket", "timeout"];

    // Of libvirt's other transports: a unix socket has no use for them, and libvirt's client, which takes them, none either.
    private static readonly string[] Switches = ["no_sanity", "no_tty", "no_verify"];

    private static readonly string[] Unused =
        ["authfile", "command", "keyfile", "known_hosts", "known_hosts_verify", "netcat", "pkipath", "proxy", "sshauth", "tls_priority", .. Switches];

    /// <exception cref="LibvirtException">The URI is none that this driver takes.</exception>
    public static RemoteAddress Of(ConnectUri uri, bool readOnly)
    {
        if (uri.Host.Length > 0)
            throw Bad($"using unix socket and remote server '{uri.Host}' is not supported.");

        // libvirt's client sends on what it does not know, and its daemon's QEMU driver looks at none of it: a misspelt name
        // would be lost without a word.
        uri.RefuseUnknown(ErrorOrigin.Remote, Known, Unused);
        CheckValues(uri);
        return new RemoteAddress(
            FindSockets(uri, readOnly), uri.Parameter("name") ?? $"{uri.Driver}://{uri.Path}", uri.Parameter("auth"), uri.Timeout(ErrorOrigin.Remote));
    }

    /// <summary>The daemon for callers who named none: ballastd's, or libvirt's; null where neither is there.</summary>
    public static string? DefaultUri()
    {
        string path = Environment.IsPrivilegedProcess ? "system" : "session";
        ConnectUri uri = ConnectUri.Parse($"qemu:///{path}");
        return Of(uri, readOnly: false).Sockets.Any(File.Exists) ? uri.Original : null;
    }

    /// <summary>The socket to connect to: the first that is there, or else the last, whose absence is the error.</summary>
    public string ChooseSocket() => Sockets.FirstOrDefault(File.Exists) ?? Sockets[^1];

    private static List<string> FindSockets(ConnectUri uri, bool readOnly)
    {
        bool isSession = (uri.Path == "/session" || uri.Driver == "test") && !Environment.IsPrivilegedProcess;
        string suffix = readOnly && !isSession ? "-ro" : "";
        string libvirt = isSession ? Path.Combine(UserRun(), "libvirt") : SystemRun;
        string own = isSession ? Path.Combine(UserRun(), "ballast") : OwnSystemRun;
        string modular = $"{libvirt}/virt{uri.Driver}d-sock{suffix}", monolithic = $"{libvirt}/libvirt-sock{suffix}";
        List<string> sockets = uri.Parameter("mode") switch
        {
            null => [$"{own}/ballast-sock{suffix}", modular, monolithic],
            "auto" => [modular, monolithic],
            "direct" => [modular],
            "legacy" => [monolithic],
            var mode => throw Bad($"unknown remote mode '{DisplayText.Escape(mode)}'"),
        };
        return uri.Parameter("socket") is { } socket ? [socket] : sockets;
    }

    /// <summary>What libvirt's client refuses whatever the transport.</summary>
    private static void CheckValues(ConnectUri uri)
    {
        foreach ((string name, string value) in uri.Parameters)
        {
            if (Switches.Contains(name, StringComparer.OrdinalIgnoreCase)
                && !int.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out _))
            {
                throw Bad($"{name} '{DisplayText.Escape(value)}' in {uri.Original} is not a number");
            }
        }

        if (uri.Parameter("proxy") is not (null or "auto" or "netcat" or "native") and { } proxy)
            throw Bad($"unknown proxy type '{DisplayText.Escape(proxy)}'");
        if (uri.Parameter("auth") is not (null or RemoteAuthentication.Polkit or RemoteAuthentication.Sasl) and { } way)
            throw RemoteAuthentication.Failed($"unknown authentication type {DisplayText.Escape(way)}");
    }

    private static LibvirtException Bad(string detail) => LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Remote, detail);

    private static string UserRun() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } run
            ? run
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
