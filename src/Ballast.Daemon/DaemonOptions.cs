using System.Globalization;

namespace Ballast.Daemon;

/// <summary>What the daemon was told: by its configuration file first, and by its options, which outrank it.</summary>
internal sealed class DaemonOptions
{
    public const string Usage =
        """
        usage: ballastd [OPTION]...
        Serves libvirt's protocol on this host: memory statistics and balloons of its QEMUs, for
        any libvirt client.

          --socket PATH         the socket for reading and changing
                                (default: /run/ballast/ballast-sock; for other users than root:
                                $XDG_RUNTIME_DIR/ballast/ballast-sock)
          --socket-ro PATH      the socket for reading only (default: the same with -ro)
          --libvirt-paths       listen where unmodified programs look for qemu:///system or
                                qemu:///session; refused if a libvirt daemon listens there
          --group NAME          let members of this group use the first socket, in addition to
                                root and the daemon's own user
          --qmp PATH            a monitor socket or a directory of them; may be repeated
                                (default: every QEMU of this host that the daemon may use)
          --period SECONDS      set this collection period for every guest that has none; keeps
                                the monitors connected, and turns collection off again at exit
                                (default: 0, leave the guests' periods alone)
          --timeout SECONDS     exit after this time without a client
          --config FILE         the configuration file (default: /etc/ballast/ballastd.conf, if
                                it exists)
          --check               report everything that would make a start fail; change nothing
          --version             show the version
          --help                show this help

        The file has lines such as  group = "kvm"  or  qmp = ["/run/vm1.sock", "/run/vms"] .
        Settings: socket, socket_ro, libvirt_paths, group, qmp, test, period, timeout,
        monitor_timeout, trusted_users, managed_dirs, max_clients, max_anonymous_clients,
        max_client_requests, keepalive_interval, keepalive_count. SIGHUP reloads the file; the
        sockets, qmp, test and monitor_timeout need a restart.

        """;

    // Longer ones are no use, and a day is what a single report sets for a moment.
    private const int MaxPeriod = 3600;

    private const string DefaultConfig = "/etc/ballast/ballastd.conf";

    public string? Socket { get; private set; }

    public string? ReadOnlySocket { get; private set; }

    public bool LibvirtPaths { get; private set; }

    public string? Group { get; private set; }

    public IReadOnlyList<string> Qmp { get; private set; } = [];

    /// <summary>Files that describe simulated hosts, which clients may open.</summary>
    public IReadOnlyList<string> Test { get; private set; } = [];

    /// <summary>Of the collection of every guest's statistics, in seconds; 0 leaves it to others.</summary>
    public int Period { get; private set; }

    /// <summary>Null: it never ends by itself.</summary>
    public TimeSpan? IdleTimeout { get; private set; }

    /// <summary>The longest wait on a monitor.</summary>
    public TimeSpan MonitorTimeout { get; private set; } = TimeSpan.FromSeconds(2);

    public IReadOnlyList<uint> TrustedUsers { get; private set; } = [];

    /// <summary>Directories whose monitors are a manager's, and the manager's name.</summary>
    public IReadOnlyDictionary<string, string> ManagedDirectories { get; private set; } = new Dictionary<string, string>();

    public int MaxClients { get; private set; } = 5000;

    public int MaxAnonymousClients { get; private set; } = 20;

    public int MaxClientRequests { get; private set; } = 32;

    public int KeepaliveInterval { get; private set; } = 5;

    public int KeepaliveCount { get; private set; } = 5;

    public bool IsCheck { get; private set; }

    public bool IsVersion { get; private set; }

    public bool IsHelp { get; private set; }

    /// <summary>Every setting by its name in the file, in one form, and whether a running daemon can take another value.</summary>
    public IEnumerable<(string Name, string Value, bool IsLive)> Settings =>
    [
        ("socket", Socket ?? "", false), ("socket_ro", ReadOnlySocket ?? "", false), ("libvirt_paths", $"{LibvirtPaths}", false),
        ("qmp", string.Join('\n', Qmp), false), ("test", string.Join('\n', Test), false), ("monitor_timeout", $"{MonitorTimeout}", false),
        ("group", Group ?? "", true), ("period", Text(Period), true), ("timeout", $"{IdleTimeout}", true),
        ("trusted_users", string.Join('\n', TrustedUsers), true),
        ("managed_dirs", string.Join('\n', ManagedDirectories.Select(pair => $"{pair.Value}={pair.Key}")), true),
        ("max_clients", Text(MaxClients), true), ("max_anonymous_clients", Text(MaxAnonymousClients), true),
        ("max_client_requests", Text(MaxClientRequests), true), ("keepalive_interval", Text(KeepaliveInterval), true),
        ("keepalive_count", Text(KeepaliveCount), true),
    ];

    /// <exception cref="UsageException">Something is wrong with the options or the file.</exception>
    public static DaemonOptions Read(IReadOnlyList<string> arguments)
    {
        DaemonOptions options = new();
        List<(string Name, string Value)> given = [];
        string? config = null;
        for (int i = 0; i < arguments.Count; i++)
        {
            (string name, string? value) = arguments[i].Split('=', 2) is [var before, var after] ? (before, after) : (arguments[i], null);
            switch (name)
            {
                case "--check" or "--version" or "--help" or "-h" or "--libvirt-paths" when value is not null:
                    throw new UsageException($"{name} takes no value");
                case "--check":
                    options.IsCheck = true;
                    break;
                case "--version":
                    options.IsVersion = true;
                    break;
                case "--help" or "-h":
                    options.IsHelp = true;
                    break;
                case "--libvirt-paths":
                    given.Add(("libvirt_paths", "1"));
                    break;
                case "--socket" or "--socket-ro" or "--group" or "--qmp" or "--timeout" or "--period" or "--config":
                    value ??= ++i < arguments.Count ? arguments[i] : throw new UsageException($"{name} needs a value");
                    if (name == "--config")
                        config = value;
                    else
                        given.Add((name[2..].Replace('-', '_'), value));
                    break;
                default:
                    throw new UsageException($"unknown option {arguments[i]}; ballastd --help lists them");
            }
        }

        if (options.IsHelp || options.IsVersion)
            return options;
        if (config is not null || File.Exists(DefaultConfig))
            options.ReadFile(config ?? DefaultConfig);
        foreach (IGrouping<string, string> option in given.GroupBy(pair => pair.Name, pair => pair.Value))
            options.Set(option.Key, [.. option], "--" + option.Key.Replace('_', '-'));
        return options;
    }

    private void ReadFile(string path)
    {
        string text;
        try
        {
            // What is no file may keep a reader waiting for ever, who then hears of no signal.
            if (HostFiles.Look(path, followsLinks: true) is { IsRegular: false } && path != "/dev/null")
                throw new UsageException($"the configuration cannot be read: {path} is not a plain file");
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the configuration cannot be read: {e.Message}");
        }

        foreach ((string name, IReadOnlyList<string> values, int line) in ConfigFile.Parse(text, path))
            Set(name, values, string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: {name}"));
    }

    private void Set(string name, IReadOnlyList<string> values, string where)
    {
        switch (name)
        {
            case "socket":
                Socket = AbsolutePath(values, where);
                break;
            case "socket_ro":
                ReadOnlySocket = AbsolutePath(values, where);
                break;
            case "libvirt_paths":
                LibvirtPaths = Number(values, where, 0, 1) == 1;
                break;
            case "group":
                Group = One(values, where);
                break;
            case "qmp":
                Qmp = [.. values.Select(path => AbsolutePath([path], where))];
                break;
            case "test":
                Test = [.. values.Select(path => AbsolutePath([path], where)).Distinct()];
                break;
            case "period":
                Period = Number(values, where, 0, MaxPeriod);
                break;
            case "timeout":
                IdleTimeout = TimeSpan.FromSeconds(Number(values, where, 1, 86400));
                break;
            case "monitor_timeout":
                MonitorTimeout = TimeSpan.FromSeconds(Number(values, where, 1, 3600));
                break;
            case "trusted_users":
                TrustedUsers = [.. values.Select(user => uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid)
                    ? uid
                    : throw new UsageException($"{where}: '{user}' is not the number of a user"))];
                break;
            case "managed_dirs":
                ManagedDirectories = ReadManagedDirectories(values, where);
                break;
            case "max_clients":
                MaxClients = Number(values, where, 1, 100_000);
                break;
            case "max_anonymous_clients":
                MaxAnonymousClients = Number(values, where, 1, 100_000);
                break;
            case "max_client_requests":
                MaxClientRequests = Number(values, where, 1, 1024);
                break;
            case "keepalive_interval":
                KeepaliveInterval = Number(values, where, 1, 86400);
                break;
            case "keepalive_count":
                KeepaliveCount = Number(values, where, 0, 1000);
                break;
            default:
                throw new UsageException($"{where}: there is no such setting");
        }
    }

    private static Dictionary<string, string> ReadManagedDirectories(IReadOnlyList<string> values, string where)
    {
        Dictionary<string, string> managed = [];
        foreach (string value in values)
        {
            if (value.Split('=', 2) is not [var manager, ['/', ..] directory] || string.IsNullOrWhiteSpace(manager))
                throw new UsageException($"{where}: '{value}' is not NAME=DIRECTORY, a manager and an absolute path");
            managed[directory] = manager.Trim();
        }

        return managed;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string One(IReadOnlyList<string> values, string where) =>
        values is [{ Length: > 0 } value] ? value : throw new UsageException($"{where}: one value is expected");

    private static string AbsolutePath(IReadOnlyList<string> values, string where) =>
        One(values, where) is ['/', ..] path && !path.Any(char.IsControl) ? path : throw new UsageException($"{where}: '{values[0]}' is not an absolute path");

    private static int Number(IReadOnlyList<string> values, string where, int least, int most) =>
        int.TryParse(One(values, where), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
        && number >= least && number <= most
            ? number
            : throw new UsageException($"{where}: '{values[0]}' is not a number from {least} to {most}");
}
