using System.Globalization;

namespace Ballast.Daemon;

internal sealed partial class DaemonOptions
{
    /// <summary>One setting. Reading, reloading, help and the manual use this table.</summary>
    /// <param name="Name">Its name in the file.</param>
    /// <param name="ValueName">What it takes; null: 0 or 1.</param>
    /// <param name="Help">What it does, in lines as help prints them.</param>
    internal sealed record DaemonSetting(string Name, string? ValueName, params string[] Help)
    {
        // Longer ones are no use, and a day is what a single report sets for a moment.
        private const int MaxPeriod = 3600;

        /// <summary>In the order of help: first those that are options too.</summary>
        public static IReadOnlyList<DaemonSetting> All { get; } =
        [
            new("socket", "PATH", "the socket for reading and changing", "(default: /run/ballast/ballast-sock; for users other than root:", "$XDG_RUNTIME_DIR/ballast/ballast-sock)")
            {
                Option = "--socket",
                Value = options => options.Socket ?? "",
                Read = (options, values, where) => options.Socket = AbsolutePath(values, where),
            },
            new("socket_ro", "PATH", "the socket for reading only (default: the same with -ro)")
            {
                Option = "--socket-ro",
                Value = options => options.ReadOnlySocket ?? "",
                Read = (options, values, where) => options.ReadOnlySocket = AbsolutePath(values, where),
            },
            new("libvirt_paths", null, "listen where unmodified programs look for qemu:///system or", "qemu:///session; refused if a libvirt daemon listens there")
            {
                Option = "--libvirt-paths",
                Value = options => $"{options.LibvirtPaths}",
                Read = (options, values, where) => options.LibvirtPaths = Number(values, where, 0, 1) == 1,
            },
            new("group", "NAME", "let members of this group use the first socket, in addition to", "root and the daemon's own user")
            {
                Option = "--group",
                IsLive = true,
                Value = options => options.Group ?? "",
                Read = (options, values, where) => options.Group = One(values, where),
            },
            new("qmp", "PATH", "a monitor socket or a directory of them; may be repeated", "(default: every QEMU of this host that the daemon may use)")
            {
                Option = "--qmp",
                IsList = true,
                Value = options => string.Join('\n', options.Qmp),
                Read = (options, values, where) => options.Qmp = [.. values.Select(path => AbsolutePath([path], where))],
            },
            new("tcp", "ADDR:PORT", "listen there too, without encryption or authentication; the port", "may be left out (16509)")
            {
                Option = "--tcp",
                Value = options => $"{options.Tcp}",
                Read = (options, values, where) => options.Tcp = NetworkAddress.Parse(One(values, where), where, usualPort: 16509),
            },
            new("tcp_anywhere", null, "allow a tcp address other than loopback")
            {
                Option = "--tcp-anywhere",
                Value = options => $"{options.TcpAnywhere}",
                Read = (options, values, where) => options.TcpAnywhere = Number(values, where, 0, 1) == 1,
            },
            new("tcp_write", null, "let every client that connects by tcp change something", "(default: they may only read)")
            {
                Option = "--tcp-write",
                IsLive = true,
                Value = options => $"{options.TcpWrites}",
                Read = (options, values, where) => options.TcpWrites = Number(values, where, 0, 1) == 1,
            },
            new("tls", "ADDR:PORT", "listen there with TLS, for clients with a certificate; the port may", "be left out (16514)")
            {
                Option = "--tls",
                Value = options => $"{options.Tls}",
                Read = (options, values, where) => options.Tls = NetworkAddress.Parse(One(values, where), where, usualPort: 16514),
            },
            new("pki", "DIR", "the directory with cacert.pem, servercert.pem, serverkey.pem and", "optionally cacrl.pem, for tls (default: libvirt's below /etc/pki)")
            {
                Option = "--pki",
                IsLive = true,
                Value = options => options.Pki ?? "",
                Read = (options, values, where) => options.Pki = AbsolutePath(values, where),
            },
            new("tls_allowed_dn_list", "PATTERN", "certificates with these names may connect; * and ? are wildcards;", "may be repeated (default: all that the authority has signed)")
            {
                Option = "--tls-allow",
                IsLive = true,
                IsList = true,
                Value = options => options.TlsAllowed is null ? "" : $"[{string.Join('\n', options.TlsAllowed)}]",
                Read = (options, values, _) => options.TlsAllowed = values,
            },
            new("tls_readonly_dn_list", "PATTERN", "those of them that may only read (default: none)")
            {
                IsLive = true,
                IsList = true,
                Value = options => string.Join('\n', options.TlsReaders),
                Read = (options, values, _) => options.TlsReaders = values,
            },
            new("period", "SECONDS", "set this collection period for every guest that has none; keeps", "the monitors connected, and turns collection off again at exit", "(0 to 3600; default: 0, leave the guests' periods alone)")
            {
                Option = "--period",
                IsLive = true,
                Value = options => Text(options.Period),
                Read = (options, values, where) => options.Period = Number(values, where, 0, MaxPeriod),
            },
            new("timeout", "SECONDS", "exit after this time without a client (1 to 86400)")
            {
                Option = "--timeout",
                IsLive = true,
                Value = options => $"{options.IdleTimeout}",
                Read = (options, values, where) => options.IdleTimeout = TimeSpan.FromSeconds(Number(values, where, 1, 86400)),
            },
            new("test", "PATH", "files that describe simulated hosts: clients may open test:///PATH")
            {
                IsList = true,
                Value = options => string.Join('\n', options.Test),
                Read = (options, values, where) => options.Test = [.. values.Select(path => AbsolutePath([path], where)).Distinct()],
            },
            new("monitor_timeout", "SECONDS", "the longest wait for a monitor, from 1 to 3600 (default: 2)")
            {
                Value = options => $"{options.MonitorTimeout}",
                Read = (options, values, where) => options.MonitorTimeout = TimeSpan.FromSeconds(Number(values, where, 1, 3600)),
            },
            new("trusted_users", "NUMBER", "numbers of users whose QEMUs may be used too, besides root's and", "the daemon's own")
            {
                IsLive = true,
                IsList = true,
                Value = options => string.Join('\n', options.TrustedUsers),
                Read = (options, values, where) => options.TrustedUsers = [.. values.Select(user => uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid)
                    ? uid
                    : throw new UsageException($"{where}: '{user}' is not the number of a user"))],
            },
            new("managed_dirs", "NAME=DIRECTORY", "monitors below the directory belong to the manager of that name:", "they are listed, and not used")
            {
                IsLive = true,
                IsList = true,
                Value = options => string.Join('\n', options.ManagedDirectories.Select(pair => $"{pair.Value}={pair.Key}")),
                Read = (options, values, where) => options.ManagedDirectories = ReadManagedDirectories(values, where),
            },
            new("auth_unix_rw", "WAY", "\"sasl\": clients of the first socket need a name and a password", "(ballastd passwd), besides the right to connect; \"none\" (default)")
            {
                IsLive = true,
                Value = options => $"{options.AsksWriters}",
                Read = (options, values, where) => options.AsksWriters = IsSasl(values, where),
            },
            new("auth_unix_ro", "WAY", "the same for the second socket")
            {
                IsLive = true,
                Value = options => $"{options.AsksReaders}",
                Read = (options, values, where) => options.AsksReaders = IsSasl(values, where),
            },
            new("auth_tls", "WAY", "the same for clients that connect by TLS, besides their certificates")
            {
                IsLive = true,
                Value = options => $"{options.AsksTls}",
                Read = (options, values, where) => options.AsksTls = IsSasl(values, where),
            },
            new("auth_tcp", "WAY", "the same for clients that connect by TCP")
            {
                IsLive = true,
                Value = options => $"{options.AsksTcp}",
                Read = (options, values, where) => options.AsksTcp = IsSasl(values, where),
            },
            new("sasl_users", "PATH", "the file of these users (default: /etc/ballast/users)")
            {
                IsLive = true,
                Value = options => options.SaslUsers,
                Read = (options, values, where) => options.SaslUsers = AbsolutePath(values, where),
            },
            new("max_clients", "N", "the most clients at once, from 1 to 100000; the last tenth is for", "those that may change something (default: 5000)")
            {
                IsLive = true,
                Value = options => Text(options.MaxClients),
                Read = (options, values, where) => options.MaxClients = Number(values, where, 1, 100_000),
            },
            new("max_anonymous_clients", "N", "the most clients of one user that have not yet authenticated;", "they have ten seconds, or 60 if they need a password (default: 20)")
            {
                IsLive = true,
                Value = options => Text(options.MaxAnonymousClients),
                Read = (options, values, where) => options.MaxAnonymousClients = Number(values, where, 1, 100_000),
            },
            new("max_address_clients", "N", "the most clients from one address of another host, or from one IPv6", "network (/64), from 1 to 100000 (default: 100)")
            {
                IsLive = true,
                Value = options => Text(options.MaxAddressClients),
                Read = (options, values, where) => options.MaxAddressClients = Number(values, where, 1, 100_000),
            },
            new("max_client_requests", "N", "the most calls of one client at once, from 1 to 1024", "(default: 32)")
            {
                IsLive = true,
                Value = options => Text(options.MaxClientRequests),
                Read = (options, values, where) => options.MaxClientRequests = Number(values, where, 1, 1024),
            },
            new("log_level", "N", "what is logged: 1: also monitors connected to, resynchronized or", "skipped; 2: changes and events (default); 3: warnings; 4: errors")
            {
                IsLive = true,
                Value = options => Text(options.LogLevel),
                Read = (options, values, where) => options.LogLevel = Number(values, where, 1, 4),
            },
            new("keepalive_interval", "SECONDS", "how long a client that supports keepalive may be silent before it is", "probed, from 1 to 86400 (default: 5)")
            {
                IsLive = true,
                Value = options => Text(options.KeepaliveInterval),
                Read = (options, values, where) => options.KeepaliveInterval = Number(values, where, 1, 86400),
            },
            new("keepalive_count", "N", "unanswered probes after which such a client is disconnected,", "from 0 to 1000 (default: 5)")
            {
                IsLive = true,
                Value = options => Text(options.KeepaliveCount),
                Read = (options, values, where) => options.KeepaliveCount = Number(values, where, 0, 1000),
            },
            new("balance", "WORD", "advise: log which guests could give up memory and which are short", "(`ballast balance log` shows the log); nothing is changed", "(default: off)")
            {
                Value = options => options.Advises ? "advise" : "off",
                Read = (options, values, where) => options.Advises = One(values, where) switch
                {
                    "advise" => true,
                    "off" => false,
                    var other => throw new UsageException($"{where}: '{other}' is neither off nor advise"),
                },
            },
            new("balance_budget", "SIZE", "the memory that guests share, such as 48G (default: the host's, less", "what other programs use and a reserve)")
            {
                Value = options => $"{options.BalanceBudgetKiB}",
                Read = (options, values, where) => options.BalanceBudgetKiB = Size(values, where),
            },
            new("balance_cgroup", "PATH", "guests of this memory control group share its limit (machine.slice)")
            {
                Value = options => options.BalanceGroup ?? "",
                Read = (options, values, where) => options.BalanceGroup = One(values, where),
            },
            new("balance_log", "PATH", "the log of advice, at most 16 MiB in two files", "(default: /var/log/ballast/balance.jsonl; for users other than", "root: ~/.local/state/ballast/balance.jsonl)")
            {
                Value = options => options.BalanceLog,
                Read = (options, values, where) => options.BalanceLog = FilePath(values, where),
            },
        ];

        /// <summary>The option that sets it; null where only the file does.</summary>
        public string? Option { get; private init; }

        /// <summary>Whether a running daemon can take another value.</summary>
        public bool IsLive { get; private init; }

        /// <summary>Whether it takes several values.</summary>
        public bool IsList { get; private init; }

        /// <summary>What it is set to, in one form.</summary>
        public required Func<DaemonOptions, string> Value { get; init; }

        /// <summary>Sets it to what was read, at a place that errors name.</summary>
        public required Action<DaemonOptions, IReadOnlyList<string>, string> Read { get; init; }

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

        private static bool IsSasl(IReadOnlyList<string> values, string where) => One(values, where) switch
        {
            "sasl" => true,
            "none" => false,
            var other => throw new UsageException($"{where}: '{other}' is neither \"sasl\" nor \"none\""),
        };

        private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

        private static string One(IReadOnlyList<string> values, string where) =>
            values is [{ Length: > 0 } value] ? value : throw new UsageException($"{where}: one value is expected");

        private static string AbsolutePath(IReadOnlyList<string> values, string where) =>
            One(values, where) is ['/', ..] path && !path.Any(char.IsControl) ? path : throw new UsageException($"{where}: '{values[0]}' is not an absolute path");

        private static string FilePath(IReadOnlyList<string> values, string where) =>
            AbsolutePath(values, where) is var path && Path.GetFileName(path) is not ("" or "." or "..")
                ? path : throw new UsageException($"{where}: '{path}' names a directory, not a file");

        // In KiB; units are powers of 1024.
        private static ulong Size(IReadOnlyList<string> values, string where)
        {
            string text = One(values, where);
            int power = "KMGT".IndexOf(char.ToUpperInvariant(text[^1]), StringComparison.Ordinal);
            const int bits = 10, most = 44;
            return power >= 0 && ulong.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
                && number > 0 && number < 1ul << (most - (bits * power))
                ? number << (bits * power)
                : throw new UsageException($"{where}: '{text}' is not a size such as 512M or 48G");
        }

        private static int Number(IReadOnlyList<string> values, string where, int least, int most) =>
            int.TryParse(One(values, where), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            && number >= least && number <= most
                ? number
                : throw new UsageException($"{where}: '{values[0]}' is not a number from {least} to {most}");
    }
}
