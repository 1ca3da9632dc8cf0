using System.Globalization;
using System.Net;
using Ballast.Files;

namespace Ballast.Daemon;

/// <summary>What the daemon was told: by its configuration file first, and by its options, which outrank it.</summary>
internal sealed partial class DaemonOptions
{
    private const string DefaultConfig = "/etc/ballast/ballastd.conf", DefaultUsers = "/etc/ballast/users";
    private const int MaxFileBytes = 1024 * 1024;

    private static string DefaultBalanceLog => UnixAccess.OwnUid == 0
        ? "/var/log/ballast/balance.jsonl"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/state/ballast/balance.jsonl");

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

    /// <summary>Where to listen without TLS; null: nowhere.</summary>
    public IPEndPoint? Tcp { get; private set; }

    /// <summary>Whether that may be elsewhere than on loopback.</summary>
    public bool TcpAnywhere { get; private set; }

    /// <summary>Whether clients that come that way may change something.</summary>
    public bool TcpWrites { get; private set; }

    /// <summary>Where to listen with TLS; null: nowhere.</summary>
    public IPEndPoint? Tls { get; private set; }

    /// <summary>The directory of TLS's certificates; null: libvirt's places.</summary>
    public string? Pki { get; private set; }

    /// <summary>Patterns of the names in certificates that are let in; null: every name.</summary>
    public IReadOnlyList<string>? TlsAllowed { get; private set; }

    /// <summary>Patterns of those that may only read.</summary>
    public IReadOnlyList<string> TlsReaders { get; private set; } = [];

    public int MaxAddressClients { get; private set; } = 100;

    public int MaxClients { get; private set; } = 5000;

    public int MaxAnonymousClients { get; private set; } = 20;

    public int MaxClientRequests { get; private set; } = 32;

    /// <summary>From 1 (debug) to 4 (errors only).</summary>
    public int LogLevel { get; private set; } = 2;

    public int KeepaliveInterval { get; private set; } = 5;

    public int KeepaliveCount { get; private set; } = 5;

    /// <summary>Whether it advises on balloons.</summary>
    public bool Advises { get; private set; }

    /// <summary>What guests share, in KiB; null: the host's memory less what others use.</summary>
    public ulong? BalanceBudgetKiB { get; private set; }

    /// <summary>The control group whose guests share its limit; null for none.</summary>
    public string? BalanceGroup { get; private set; }

    /// <summary>Where advice is logged.</summary>
    public string BalanceLog { get; private set; } = DefaultBalanceLog;

    /// <summary>Whether clients of the socket for reading and changing have to prove who they are, by SASL.</summary>
    public bool AsksWriters { get; private set; }

    /// <summary>The same of the socket for reading.</summary>
    public bool AsksReaders { get; private set; }

    /// <summary>The same of clients that come by TLS, with their certificates.</summary>
    public bool AsksTls { get; private set; }

    /// <summary>The same of clients that come by TCP.</summary>
    public bool AsksTcp { get; private set; }

    /// <summary>Whether anybody has to prove who they are.</summary>
    public bool NeedsUsers => AsksWriters || AsksReaders || AsksTls || AsksTcp;

    /// <summary>The file of users and what is kept of their passwords.</summary>
    public string SaslUsers { get; private set; } = DefaultUsers;

    public bool IsCheck { get; private set; }

    public bool IsVersion { get; private set; }

    public bool IsHelp { get; private set; }

    /// <summary>Every setting by its name in the file, in one form, and whether a running daemon can take another value.</summary>
    public IEnumerable<(string Name, string Value, bool IsLive)> Settings =>
        DaemonSetting.All.Select(setting => (setting.Name, setting.Value(this), setting.IsLive));

    /// <exception cref="UsageException">Something is wrong with the options or the file.</exception>
    public static DaemonOptions Read(IReadOnlyList<string> arguments)
    {
        DaemonOptions options = new();
        List<(DaemonSetting Setting, string Value)> given = [];
        string? config = null;
        for (int i = 0; i < arguments.Count; i++)
        {
            (string name, string? value) = arguments[i].Split('=', 2) is [var before, var after] ? (before, after) : (arguments[i], null);
            DaemonSetting? known = DaemonSetting.All.FirstOrDefault(setting => setting.Option == name);
            switch (name)
            {
                case "--check" or "--version" or "--help" or "-h" when value is not null:
                case var _ when known is { ValueName: null } && value is not null:
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
                case "--config":
                    config = value ?? (++i < arguments.Count ? arguments[i] : throw new UsageException($"{name} needs a value"));
                    break;
                case var _ when known is { ValueName: null }:
                    given.Add((known, "1"));
                    break;
                case var _ when known is not null:
                    given.Add((known, value ?? (++i < arguments.Count ? arguments[i] : throw new UsageException($"{name} needs a value"))));
                    break;
                default:
                    throw new UsageException($"unknown option {arguments[i]}; ballastd --help lists them");
            }
        }

        if (options.IsHelp || options.IsVersion)
            return options;
        if (config is not null || File.Exists(DefaultConfig))
            options.ReadFile(config ?? DefaultConfig);
        foreach (IGrouping<DaemonSetting, string> option in given.GroupBy(pair => pair.Setting, pair => pair.Value))
            option.Key.Read(options, [.. option], option.Key.Option!);
        if (options is { BalanceBudgetKiB: not null, BalanceGroup: not null })
            throw new UsageException("balance_budget and balance_cgroup cannot both be set");
        return options;
    }

    private void ReadFile(string path)
    {
        string text;
        try
        {
            // What is no file may keep a reader waiting for ever, who then hears of no signal.
            if (HostFiles.Look(path, followsLinks: true) is { IsRegular: false } && path != "/dev/null")
                throw new UsageException($"cannot read {path}: it is not a regular file");
            text = WholeFile.ReadText(path, MaxFileBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot read {path}: {FileTrouble.Why(path, e)}");
        }
        catch (InvalidDataException e)
        {
            throw new UsageException(e.Message);
        }

        foreach ((string name, IReadOnlyList<string> values, int line) in ConfigFile.Parse(text, path))
            Set(name, values, string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: {name}"));
    }

    private void Set(string name, IReadOnlyList<string> values, string where)
    {
        if (DaemonSetting.All.FirstOrDefault(setting => setting.Name == name) is not { } known)
            throw new UsageException($"{where}: there is no such setting");
        known.Read(this, values, where);
    }
}
