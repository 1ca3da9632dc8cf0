namespace Ballast.Cli.Help;

/// <summary>The URIs that the program takes, as help and the manual explain them.</summary>
internal static class UriForms
{
    /// <summary>Each with its explanation, in lines as help prints them.</summary>
    public static IReadOnlyList<(string Form, string[] Lines)> All { get; } =
    [
        ("qmp:///", ["every QEMU of this host that you may connect to"]),
        ("qmp:///PATH",
        [
            "the QEMU with that monitor socket (-qmp unix:PATH,server=on,wait=off),",
            "or every QEMU with a socket in that directory",
        ]),
        ("qmp:///PATH?timeout=5s", ["the same, with a longer deadline (default: 2 s)"]),
        ("qemu:///system",
        [
            "a daemon: ballastd if it listens, else libvirt's; qemu:///session for a",
            "user's own, qemu+unix:///system?socket=PATH for any other socket;",
            "?timeout=60s sets a longer deadline (default: 30 s)",
        ]),
        ("qemu+ssh://[USER@]HOST[:PORT]/system",
        [
            "the daemon of another host through ssh, which ballast, virt-ssh-helper or",
            "nc connects there; qemu+tls://HOST/system (or qemu://HOST/system) by TLS;",
            "qemu+tcp://HOST/system without encryption, on trusted networks",
        ]),
        ("test:///default", ["libvirt's test domain, for experiments; test:///FILE: a host from a file"]),
        ("test:///fleet?domains=N&seed=S", ["N simulated guests with changing memory (default: 10)"]),
    ];

    /// <summary>What is used where none is named.</summary>
    public const string Default =
        """
        Without -c, ballast uses the first of these: the environment variables VIRSH_DEFAULT_CONNECT_URI
        and LIBVIRT_DEFAULT_URI, uri_default in libvirt.conf, qemu:///system (or session) if a daemon
        listens there, and qmp:///.
        """;

    /// <summary>All of them in help.</summary>
    public static string Lines()
    {
        const int width = 23;
        return string.Join('\n', All.SelectMany(form => form.Form.Length < width
            ? form.Lines.Select((line, i) => $"  {(i == 0 ? form.Form : "").PadRight(width)}{line}")
            : form.Lines.Select(line => $"  {"".PadRight(width)}{line}").Prepend($"  {form.Form}")));
    }
}
