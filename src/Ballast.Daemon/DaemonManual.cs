using Ballast.Manual;
using Setting = Ballast.Daemon.DaemonOptions.DaemonSetting;

namespace Ballast.Daemon;

/// <summary>What explains the daemon: its help, ballastd(8) and ballastd.conf(5), all from the table of its settings.</summary>
internal static class DaemonManual
{
    private const int LabelWidth = 22;

    private const string Purpose = "Serves libvirt's protocol on this host: memory statistics and balloons of its QEMUs, for\nany libvirt client.";

    // The options that are not settings.
    private static readonly (string Label, string[] Help)[] Others =
    [
        ("--config FILE", ["the configuration file (default: /etc/ballast/ballastd.conf, if", "it exists)"]),
        ("--check", ["report everything that would prevent a start; change nothing"]),
        ("--version", ["show the version"]),
        ("--help", ["show this help"]),
    ];

    private static IEnumerable<(string Label, string[] Help)> Options => Setting.All.Where(setting => setting.Option is not null)
        .Select(setting => (setting.ValueName is null ? setting.Option! : $"{setting.Option} {setting.ValueName}", setting.Help)).Concat(Others);

    public static string Usage() =>
        $"""
        usage: ballastd [OPTION]...
               ballastd passwd [--config FILE] USER | USER --delete | --list
        {Purpose}

        {string.Join('\n', Options.SelectMany(option => option.Help.Select((line, i) => $"  {(i == 0 ? option.Label : "").PadRight(LabelWidth)}{line}")))}

        The file has lines such as  group = "kvm"  or  qmp = ["/run/vm1.sock", "/run/vms"] .
        {Wrapped("Settings: ", Setting.All.Select(setting => setting.Name))}.
        SIGHUP reloads the file. These settings need a restart:
        {Wrapped("", Setting.All.Where(setting => !setting.IsLive).Select(setting => setting.Name))}.

        """;

    /// <summary>A manual page; null where there is none of that name.</summary>
    public static string? Page(string name, string version) => name switch
    {
        "ballastd" => Daemon(version),
        "ballastd.conf" => File(version),
        _ => null,
    };

    private static string Daemon(string version)
    {
        Roff page = new("ballastd", 8, version, "System Administration");
        page.Section("Name").Paragraph("ballastd - serve the memory statistics of this host's virtual machines to libvirt's clients")
            .Section("Synopsis").Example("ballastd [OPTION...]\nballastd passwd [--config FILE] USER\nballastd passwd [--config FILE] USER --delete\nballastd passwd [--config FILE] --list")
            .Section("Description").Paragraph(Purpose.Replace('\n', ' '))
            .Paragraph("It listens on two sockets. The first can read and change: root, the daemon's own user and the members of `--group` may use it. The second is read-only, for every user of the host. Clients name the socket (`qemu+unix:///system?socket=PATH`); ballast looks there first for `qemu:///system`.")
            .Paragraph("Options override the configuration file.")
            .Section("Options");
        foreach ((string label, string[] help) in Options)
            page.Item(label, string.Join(' ', help));
        page.Section("Users").Paragraph("With `auth_unix_rw`, `auth_unix_ro`, `auth_tls` or `auth_tcp` set to \"sasl\", clients need a name and a password (SASL, SCRAM-SHA-256 or PLAIN). `ballastd passwd USER` adds a user or changes the password, which it asks for, or reads from standard input if that is not a terminal. `--delete` removes the user, `--list` shows all names. A running daemon needs no reload.");
        page.Section("systemd").Paragraph("The daemon takes sockets from systemd (`FileDescriptorName=` is `readwrite`, `readonly`, `tls` or `tcp`), and then listens on no others. It tells systemd when it is ready, reloads or stops, and answers its watchdog.");
        page.Section("Signals")
            .Item("SIGHUP", "Reload the configuration file. Clients stay connected. If the file has an error, the log names its line and the old settings stay.")
            .Item("SIGTERM, SIGINT", "Stop. Turns collection off again in guests whose period the daemon has set.")
            .Section("Exit status")
            .Item("0", "It was stopped, or --check found nothing.")
            .Item("1", "The system does not allow a start.")
            .Item("2", "An option or setting is wrong or refused.")
            .Section("Files")
            .Item("/etc/ballast/ballastd.conf", "The configuration: see ballastd.conf(5).")
            .Item("/etc/ballast/users", "The users and verifiers of their passwords, of mode 600 (`sasl_users`).")
            .Item("/run/ballast/ballast-sock, /run/ballast/ballast-sock-ro", "The sockets of root's daemon.")
            .Item("$XDG_RUNTIME_DIR/ballast/ballast-sock, $XDG_RUNTIME_DIR/ballast/ballast-sock-ro", "Those of other users.")
            .Section("See also").Paragraph("ballast(1), ballastd.conf(5), virsh(1)");
        return page.ToString();
    }

    private static string File(string version)
    {
        Roff page = new("ballastd.conf", 5, version, "File Formats");
        page.Section("Name").Paragraph("ballastd.conf - configuration of ballastd")
            .Section("Description")
            .Paragraph("ballastd reads /etc/ballast/ballastd.conf if it exists, or the file given with `--config`. Each line has one setting: a name, `=`, and a text in quotes, a number, or a list of them in brackets, which may go over several lines. `#` begins a comment. An unknown setting is an error; `ballastd --check` finds it.")
            .Section("Settings");
        foreach (Setting setting in Setting.All)
        {
            string form = setting.ValueName switch
            {
                null => "0 or 1",
                "N" or "SECONDS" => setting.ValueName,
                var text when setting.IsList => $"[\"{text}\", ...]",
                var text => $"\"{text}\"",
            };
            page.Item($"{setting.Name} = {form}", $"{string.Join(' ', setting.Help)}.{(setting.IsLive ? "" : " A change needs a restart.")}{(setting.Option is null ? "" : $" Option: {setting.Option}.")}");
        }

        page.Section("Example")
            .Example("group = \"kvm\"\nqmp = [\"/run/vm1.sock\", \"/run/vms\"]   # instead of every QEMU of the host\nperiod = 5\ntrusted_users = [\"107\"]")
            .Section("See also").Paragraph("ballastd(8)");
        return page.ToString();
    }

    private static string Wrapped(string heading, IEnumerable<string> names)
    {
        const int width = 80;
        string text = heading;
        int line = heading.Length;
        foreach (string name in names)
        {
            bool isFirst = text.Length == heading.Length, fits = line + name.Length < width;
            text += isFirst ? name : fits ? $", {name}" : $",\n{name}";
            line = (fits ? line + 2 : 0) + name.Length;
        }

        return text;
    }
}
