using System.Text;

namespace Ballast.Drivers.Remote;

/// <summary>
/// What the shell of the other host is told: to connect ssh's input and output to a daemon's socket, by the first of these that
/// is there: our own program, libvirt's, nc. The user's shell may be any; what it is given is one word for sh.
/// </summary>
internal static class SshScript
{
    /// <summary>How the script ends where none of them is there.</summary>
    public const int NoHelper = 127;

    public static string Of(ConnectUri uri, string name, bool readOnly)
    {
        string? mode = uri.Parameter("mode"), socket = uri.Parameter("socket");
        string proxy = uri.Parameter("proxy") ?? SshCommand.Auto;
        if (mode == RemoteSockets.Direct)
            throw LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Remote, "Cannot use direct socket mode for ssh transport");

        // It is looked at in any case: a mode that nobody knows is refused.
        List<string> system = RemoteSockets.OfSystem(uri, readOnly), user = RemoteSockets.OfUser("$d", uri);
        List<string> parts = [];
        if (proxy != SshCommand.Netcat)
        {
            // An older program of this name, or another's, knows nothing of it and must not read what is not meant for it.
            string ours = $"ballast ssh-helper{(readOnly ? " --readonly" : "")}";
            string target = Quote(socket ?? name);
            if (mode is null)
                parts.Add($"if {ours} --probe -- {target} </dev/null >/dev/null 2>&1; then exec {ours} -- {target}; fi");
            if (socket is null)
                parts.Add($"if command -v virt-ssh-helper >/dev/null 2>&1; then exec virt-ssh-helper{(readOnly ? " -r" : "")} {target}; fi");
        }

        string missing = proxy == SshCommand.Native ? "neither ballast nor virt-ssh-helper" : proxy == SshCommand.Netcat ? "no nc" : "no ballast, virt-ssh-helper or nc";
        if (proxy != SshCommand.Native)
        {
            string nc = Quote(uri.Parameter("netcat") ?? "nc");
            string find = socket is not null ? $"set -- {Quote(socket)}"
                : RemoteSockets.IsSession(uri) ? $"d=${{XDG_RUNTIME_DIR:-$HOME/.cache}}; if [ $(id -u) = 0 ]; then set -- {Words(system)}; else set -- {Words(user)}; fi"
                : $"set -- {Words(system)}";
            parts.Add($"if command -v {nc} >/dev/null 2>&1; then {find}; for s in \"$@\"; do if [ -S \"$s\" ]; then break; fi; done; "
                + $"if {nc} -q 2>&1 | grep \"requires an argument\" >/dev/null 2>&1; then exec {nc} -q0 -U \"$s\"; fi; exec {nc} -U \"$s\"; fi");
        }

        parts.Add($"echo \"there is {missing} on this host\" >&2; exit {NoHelper}");
        return $"sh -c {Quote(string.Join("; ", parts))}";
    }

    // The paths hold a variable of the shell's, and nothing that would need more.
    private static string Words(List<string> paths) => string.Join(' ', paths.Select(path => $"\"{path}\""));

    /// <summary>
    /// As one word, in sh, bash, zsh, fish, csh and tcsh alike, as long as no control characters are in it; what every shell takes for
    /// itself stays as it is. A backslash stands only outside of the quotes, and never before one: inside, fish takes it for the quote's.
    /// An exclamation mark stands outside too: csh looks for it inside.
    /// </summary>
    public static string Quote(string word)
    {
        if (word.Length > 0 && word.All(static c => char.IsAsciiLetterOrDigit(c) || "/._-:+=,@".Contains(c, StringComparison.Ordinal)))
            return word;
        StringBuilder quoted = new("'");
        foreach (char c in word)
            _ = c is '\'' or '\\' or '!' ? quoted.Append("'\\").Append(c).Append('\'') : quoted.Append(c);
        return quoted.Append('\'').ToString();
    }
}
