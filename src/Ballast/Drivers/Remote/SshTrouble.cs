using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>Says in words why an ssh ended. All that ssh tells a program is that it failed; the rest is what it wrote for people, which is the same in every language.</summary>
internal sealed class SshTrouble(SshCommand command)
{
    private const int ConnectionReset = 104, FailureOfSsh = 255, NotFound = 2, AccessDenied = 13;

    private const int LongestLine = 300;

    private const string Denied = "Permission denied";

    public LibvirtException Explain(CommandEnd end)
    {
        if (end.StartError != 0)
        {
            string unstarted = end.StartError == NotFound
                ? $"'{DisplayText.Escape(command.Program)}' is not installed here: install ssh (Debian's package openssh-client), or name it with command="
                : $"'{DisplayText.Escape(command.Program)}' cannot be started: {end.Errors}";
            return end.StartError is NotFound or AccessDenied
                ? LibvirtError.Lasting(end.StartError, ErrorOrigin.Rpc, unstarted) : LibvirtError.System(end.StartError, ErrorOrigin.Rpc, unstarted);
        }

        string line = LastLine(end.Errors);
        string said = line.Length > 0 ? $" ({line})" : "";
        string what = end.HasAnswered ? $"the connection through '{command.Login}' was lost" : $"cannot connect through '{command.Login}'";
        string message = $"{what}: {(end.ExitStatus == FailureOfSsh ? OfSsh(end.Errors, said) : OfHelper(end, said))}";
        return !end.HasAnswered && (end.ExitStatus == FailureOfSsh ? Refuses(end.Errors) : LeadsNowhere(end))
            ? LibvirtError.Lasting(ConnectionReset, ErrorOrigin.Rpc, message)
            : LibvirtError.System(ConnectionReset, ErrorOrigin.Rpc, message);
    }

    /// <summary>Whether one of both hosts does not believe the other: another try would be another attempt to log in.</summary>
    private static bool Refuses(string errors) =>
        ((string[])["IDENTIFICATION HAS CHANGED", "Host key verification failed", "host key is known for", "Permission denied (", "Too many authentication failures"])
            .Any(text => errors.Contains(text, StringComparison.Ordinal));

    /// <summary>Whether the other host has no way to a daemon. That none listens, or lets this user in, may be otherwise soon: it may be starting.</summary>
    private static bool LeadsNowhere(CommandEnd end) => end.Signal is null && end.ExitStatus == SshScript.NoHelper;

    private string OfSsh(string errors, string said)
    {
        bool Says(string text) => errors.Contains(text, StringComparison.Ordinal);
        return Says("IDENTIFICATION HAS CHANGED")
                ? $"the host's key is not the known one; if it was replaced, forget the old one with 'ssh-keygen -R {command.Host}'"
            : Says("Host key verification failed") || Says("host key is known for")
                ? $"the host's key is not known; run '{command.Login}' once and compare it{said}"
            : Says("Permission denied (") || Says("Too many authentication failures")
                ? $"the host does not let this user in; add a key that it accepts to the agent, or name one with keyfile={said}"
            : Says("Could not resolve hostname") ? $"the name of the host is not known; check its spelling{said}"
            : Says("Connection refused") ? $"no ssh server listens there; check the port, and that sshd runs{said}"
            : Says("timed out") || Says("No route to host") || Says("Network is unreachable") ? $"the host cannot be reached; check that it is up and not behind a firewall{said}"
            : said.Length > 0 ? $"ssh failed{said}"
            : "ssh failed without a word";
    }

    private static string OfHelper(CommandEnd end, string said)
    {
        bool Says(string text) => end.Errors.Contains(text, StringComparison.Ordinal);
        return end.Signal is { } signal ? $"ssh was ended by signal {signal}{said}"
            : end.ExitStatus is SshScript.NoHelper ? $"the host has no program that leads to the daemon; install ballast, libvirt's virt-ssh-helper or netcat-openbsd there{said}"
            : Says(Denied) ? $"this user may not use the daemon's socket there; log in as root or as a member of the socket's group{said}"
            : Says("No such file or directory") || Says("Connection refused") ? $"no daemon listens there; start ballastd or libvirtd on that host{said}"
            : said.Length > 0 ? $"the other end closed it{said}"
            : "the other end closed it without a word";
    }

    private static string LastLine(string errors)
    {
        string line = errors.Split('\n').Select(static line => line.Trim()).LastOrDefault(static line => line.Length > 0) ?? "";
        return DisplayText.Escape(line.Length <= LongestLine ? line : string.Concat(line.AsSpan(0, LongestLine), "…"));
    }
}
