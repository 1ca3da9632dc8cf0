using System.Globalization;
using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>The ssh that a URI asks for: the words of its command line, in libvirt's order.</summary>
/// <param name="Program">What is started.</param>
/// <param name="Host">The host, as ssh is told.</param>
/// <param name="Login">How people would log in there, for errors.</param>
/// <param name="Arguments">Behind the program's name.</param>
internal sealed record SshCommand(string Program, string Host, string Login, IReadOnlyList<string> Arguments)
{
    /// <summary>The values of <c>proxy=</c>.</summary>
    public const string Auto = "auto", Native = "native", Netcat = "netcat";

    private const string Switch = "-o", Strictness = "StrictHostKeyChecking";

    /// <summary>The parameters that mean something over ssh.</summary>
    public static string[] Known =>
    [
        "auth", "authfile", "command", "keyfile", "known_hosts", "known_hosts_verify", "mode", "name", "netcat", "no_tty", "no_verify", "proxy", "socket", "sshauth",
        "timeout",
    ];

    /// <param name="uri">The daemon's.</param>
    /// <param name="name">What the daemon is asked for.</param>
    /// <param name="readOnly">Whether nothing is to be changed.</param>
    /// <param name="mayAsk">Whether it may ask at the terminal, where there is one.</param>
    /// <exception cref="LibvirtException">A value makes no sense.</exception>
    public static SshCommand Of(ConnectUri uri, string name, bool readOnly, bool mayAsk = true)
    {
        string host = uri.Host.Length > 0 ? uri.Host : "localhost";
        if (!IsHost(host))
            throw RemoteAddress.Bad($"'{DisplayText.Escape(host)}' in {uri.Original} is not a host name");
        if (uri.User is { } user && !IsUser(user))
            throw RemoteAddress.Bad($"'{DisplayText.Escape(user)}' in {uri.Original} is not a user name");
        if (!ConnectUri.TryParse(name, out _))
            throw RemoteAddress.Bad($"name '{DisplayText.Escape(name)}' in {uri.Original} is not a URI, such as qemu:///system");
        if (uri.Parameter("socket") is { } socket and not ['/', ..])
            throw RemoteAddress.Bad($"socket '{DisplayText.Escape(socket)}' in {uri.Original} is not an absolute path");

        // A shell there, or ssh's reader of options, may end a command with them.
        foreach (string word in (string[])["socket", "netcat", "name", "keyfile", "known_hosts"])
        {
            if (uri.Parameter(word) is { } value && value.Any(char.IsControl))
                throw RemoteAddress.Bad($"{word} '{DisplayText.Escape(value)}' in {DisplayText.Escape(uri.Original)} has control characters");
        }

        // ssh has no escape for it.
        foreach (string word in (string[])["keyfile", "known_hosts"])
        {
            if (uri.Parameter(word) is { } value && value.Contains("${", StringComparison.Ordinal))
                throw RemoteAddress.Bad($"{word} '{DisplayText.Escape(value)}' in {uri.Original} has '${{', which ssh replaces by a variable of its environment: use another name");
        }

        List<string> words = [];
        if (uri.Port is > 0 and var port)
            words.AddRange("-p", port.ToString(CultureInfo.InvariantCulture));
        if (uri.User is { Length: > 0 })
            words.AddRange("-l", uri.User);
        string login = string.Join(' ', ((string[])["ssh", .. words, host]).Select(SshScript.Quote));
        if (uri.Parameter("keyfile") is { } key)
            words.AddRange("-i", key);
        words.AddRange("-T", "-e", "none");
        if (RemoteAddress.IsOn(uri, "no_tty") || !mayAsk || !CanAsk())
            words.AddRange(Switch, "BatchMode=yes");
        if (Check(uri) is { } strictness)
            words.AddRange(Switch, $"{Strictness}={strictness}");
        if (uri.Parameter("known_hosts") is { } file)
            words.AddRange(Switch, $"UserKnownHostsFile={Quote(file)}");
        if (uri.Parameter("sshauth") is { } ways)
            words.AddRange(Switch, $"PreferredAuthentications={string.Join(',', ways.Split(',').Select(Authentication).Distinct(StringComparer.Ordinal))}");
        words.AddRange("--", host, SshScript.Of(uri, name, readOnly));
        return new SshCommand(uri.Parameter("command") ?? "ssh", host, login, words);
    }

    public IEndpoint ToEndpoint() => new CommandEndpoint(Program, Arguments)
    {
        Daemon = $"the daemon behind '{Login}'",
        Advice = $": check that the host is up, and that '{Login}' gets through",
        Explain = new SshTrouble(this).Explain,
    };

    // No terminal to ask at, and no program that asks in its place.
    private static bool CanAsk() => Environment.GetEnvironmentVariable("SSH_ASKPASS") is { Length: > 0 } || SpawnedProgram.HasTerminal();

    private static string? Check(ConnectUri uri)
    {
        string? named = uri.Parameter("known_hosts_verify") switch
        {
            null or "normal" => null,
            "auto" => "accept-new",
            "ignore" => "no",
            var other => throw RemoteAddress.Bad($"unknown known_hosts_verify '{DisplayText.Escape(other)}': it is normal, auto or ignore"),
        };
        return RemoteAddress.IsOn(uri, "no_verify") ? "no" : named;
    }

    private static string Authentication(string way) => way switch
    {
        "agent" or "privkey" => "publickey",
        "password" or "keyboard-interactive" => way,
        _ => throw RemoteAddress.Bad($"unknown sshauth '{DisplayText.Escape(way)}': it is a list of agent, privkey, password and keyboard-interactive"),
    };

    // ssh reads it as a line of its configuration, with its own signs for the host and the user.
    private static string Quote(string file) =>
        $"\"{file.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal)}\"";

    // Configurations of ssh hand names to shells, and ssh takes what begins with a dash for an option.
    private static bool IsHost(string name) => name is not ['-', ..] && name.All(static c => char.IsLetterOrDigit(c) || "._-:%+\\".Contains(c, StringComparison.Ordinal));

    // What ssh itself refuses, for the same reasons; and what could not be seen in an error.
    private static bool IsUser(string name) =>
        name is not (['-', ..] or [.., '\\']) && !name.Any(static c => char.IsWhiteSpace(c) || "\"'`;&<>|(){}$".Contains(c, StringComparison.Ordinal))
        && DisplayText.Escape(name) == name;
}
