namespace Ballast.Drivers.Remote;

/// <summary>Where the daemon of a URI is, and under which name it is asked.</summary>
/// <param name="Sockets">Unix sockets to try, the first that is there.</param>
/// <param name="Name">The URI without what only the client needs.</param>
internal sealed record RemoteAddress(IReadOnlyList<string> Sockets, string Name)
{
    private const string SystemRun = "/var/run/libvirt", OwnSystemRun = "/run/ballast";

    private static readonly HashSet<string> ClientParameters = new(StringComparer.OrdinalIgnoreCase)
    {
        "name", "command", "socket", "auth", "sshauth", "netcat", "keyfile", "pkipath", "known_hosts", "known_hosts_verify",
        "tls_priority", "mode", "proxy", "no_sanity", "no_verify", "no_tty", "authfile",
    };

    /// <exception cref="LibvirtException">The URI is none that this driver takes.</exception>
    public static RemoteAddress Of(ConnectUri uri, bool readOnly)
    {
        if (uri.Host.Length > 0)
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Remote,
                $"using unix socket and remote server '{uri.Host}' is not supported.");
        }

        string name = uri.Parameter("name") is { Length: > 0 } said ? said : ServerName(uri);
        if (uri.Parameter("socket") is { Length: > 0 } socket)
            return new RemoteAddress([socket], name);

        bool isSession = (uri.Path == "/session" || uri.Driver == "test") && !Environment.IsPrivilegedProcess;
        string suffix = readOnly && !isSession ? "-ro" : "";
        string libvirt = isSession ? Path.Combine(UserRun(), "libvirt") : SystemRun;
        string own = isSession ? Path.Combine(UserRun(), "ballast") : OwnSystemRun;
        string modular = $"{libvirt}/virt{(uri.Driver == "qemu" ? "qemu" : uri.Driver)}d-sock{suffix}", monolithic = $"{libvirt}/libvirt-sock{suffix}";
        string[] sockets = uri.Parameter("mode")?.ToUpperInvariant() switch
        {
            null => [$"{own}/ballast-sock{suffix}", modular, monolithic],
            "AUTO" => [modular, monolithic],
            "DIRECT" => [modular],
            "LEGACY" => [monolithic],
            var mode => throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Remote, $"unknown remote mode '{mode}'"),
        };
        return new RemoteAddress(sockets, name);
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

    private static string ServerName(ConnectUri uri)
    {
        IEnumerable<string> parameters = uri.Parameters.Where(parameter => !ClientParameters.Contains(parameter.Key))
            .Select(parameter => $"{Uri.EscapeDataString(parameter.Key)}={Uri.EscapeDataString(parameter.Value)}");
        string query = string.Join('&', parameters);
        return $"{uri.Driver}://{uri.Path}{(query.Length == 0 ? "" : "?" + query)}";
    }

    private static string UserRun() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } run
            ? run
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
