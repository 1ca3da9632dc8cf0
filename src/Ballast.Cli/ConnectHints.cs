using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>What somebody probably meant by a URI that led nowhere, beyond what the error says.</summary>
internal static class ConnectHints
{
    private const string TestUri = "test:///", SystemUri = "qemu:///system", SessionUri = "qemu:///session", MonitorUri = "qmp:///";

    private static readonly string[] TestNames = ["default", "fleet"];

    // Of these, the error itself says what was probably meant.
    private static readonly string[] Nearly = ["qmp", "test", "qemu", "unix", "file", "kvm", "libvirt"];

    /// <param name="uri">As it was given; null: none was.</param>
    /// <param name="error">Why there is no connection.</param>
    /// <returns>What to do; null where nothing is known.</returns>
    public static string? For(string? uri, LibvirtException error)
    {
        if (string.IsNullOrEmpty(uri))
            return null;
        return error.Code switch
        {
            ErrorCode.NoConnect when !uri.AsSpan().ContainsAny(":/") =>
                $"a host is named as in {ShellCommand.Quote($"qemu+ssh://{uri}/system")}; this host's daemon is {SystemUri}",
            ErrorCode.NoConnect when ConnectUri.TryParse(uri, out ConnectUri? parsed) && !Nearly.Contains(parsed.Driver) =>
                "known are qmp:///, qmp:///PATH, qemu:///system, qemu:///session, qemu+unix:, qemu+ssh:, qemu+tcp:, qemu+tls:, test:///default and test:///fleet; `ballast --help` explains them",
            ErrorCode.XmlError when uri.StartsWith(TestUri, StringComparison.Ordinal) => NoFile(uri[TestUri.Length..].Split('?')[0]),
            ErrorCode.SystemError when (uri is SystemUri or SessionUri || uri.StartsWith($"{SystemUri}?timeout", StringComparison.Ordinal)) && DaemonSocket.Find(uri) is null =>
                $"neither ballastd ({OwnSocket(uri)}) nor libvirt's daemon listens to you here: start ballastd, or ask QEMUs without a daemon: -c qmp:///",
            ErrorCode.OperationTimeout when uri.StartsWith(MonitorUri, StringComparison.Ordinal) =>
                $"if it is a daemon's socket: -c {ShellCommand.Quote($"qemu+unix:///system?socket={uri[(MonitorUri.Length - 1)..].Split('?')[0]}")}",
            _ => null,
        };
    }

    private static string? NoFile(string name)
    {
        if (Directory.Exists($"/{name}"))
            return $"'/{name}' is a directory";
        if (File.Exists($"/{name}"))
            return null;
        return NearestName.Among(TestNames, name) is { } near ? $"there is no file '/{name}'; did you mean {TestUri}{near}?"
            : $"there is no file '/{name}'; test:///default and test:///fleet need none";
    }

    // ballastd's default socket (docs/daemon.md).
    private static string OwnSocket(string uri) =>
        uri is SessionUri && !Environment.IsPrivilegedProcess ? "$XDG_RUNTIME_DIR/ballast/ballast-sock" : "/run/ballast/ballast-sock";
}
