namespace Ballast.Drivers.Remote;

/// <summary>Where a host's daemons have their sockets.</summary>
internal static class RemoteSockets
{
    private const string SystemRun = "/var/run/libvirt", OwnSystemRun = "/run/ballast";

    /// <summary>The values of <c>mode=</c>.</summary>
    public const string Auto = "auto", Direct = "direct", Legacy = "legacy";

    /// <summary>Whether a URI means the daemon of one user, unless root asks.</summary>
    public static bool IsSession(ConnectUri uri) => uri.Path == "/session" || uri.Driver == "test";

    /// <summary>The system's, in the order in which they are tried.</summary>
    /// <exception cref="LibvirtException">Nobody knows the mode.</exception>
    public static List<string> OfSystem(ConnectUri uri, bool readOnly) => In(OwnSystemRun, SystemRun, uri, readOnly ? "-ro" : "");

    /// <summary>A user's; there, what is read-only has no socket of its own.</summary>
    /// <param name="run">The user's directory for such files.</param>
    /// <param name="uri">The daemon's.</param>
    /// <exception cref="LibvirtException">Nobody knows the mode.</exception>
    public static List<string> OfUser(string run, ConnectUri uri) => In($"{run}/ballast", $"{run}/libvirt", uri, "");

    /// <summary>Of this host, for this user.</summary>
    /// <exception cref="LibvirtException">Nobody knows the mode.</exception>
    public static List<string> OfThisHost(ConnectUri uri, bool readOnly) =>
        IsSession(uri) && !Environment.IsPrivilegedProcess ? OfUser(UserRun(), uri) : OfSystem(uri, readOnly);

    private static List<string> In(string own, string libvirt, ConnectUri uri, string suffix)
    {
        string modular = $"{libvirt}/virt{uri.Driver}d-sock{suffix}", monolithic = $"{libvirt}/libvirt-sock{suffix}";
        return uri.Parameter("mode") switch
        {
            null => [$"{own}/ballast-sock{suffix}", modular, monolithic],
            Auto => [modular, monolithic],
            Direct => [modular],
            Legacy => [monolithic],
            var mode => throw RemoteAddress.Bad($"unknown remote mode '{DisplayText.Escape(mode)}'"),
        };
    }

    private static string UserRun() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } run
            ? run
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
}
