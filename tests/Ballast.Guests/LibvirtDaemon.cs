using System.Globalization;
using System.Xml.Linq;

namespace Ballast.Guests;

/// <summary>
/// A real libvirtd of our own, with all its files in a private directory. It and its domains live in namespaces of their
/// own: it sees none of the machine's configuration, state or system bus, several can run beside each other, and the
/// kernel ends everything in there together with the test process.
/// </summary>
public sealed class LibvirtDaemon : IAsyncDisposable
{
    /// <summary>
    /// The first process of the namespaces. It must not be libvirtd itself: somebody has to reap QEMU when it ends, which
    /// is no child of libvirtd's. A /dev/kvm that opens but does not work would cost each domain's start many seconds,
    /// as libvirtd probes QEMU again each time. A read-only file in its place is not accessible even to root.
    /// </summary>
    private const string Script =
        """
        if [ -e /dev/kvm ]; then
            mount --bind "$1/kvm" /dev/kvm
            mount -o remount,bind,ro /dev/kvm
        fi
        if [ -n "$3" ]; then
            for controller in /sys/fs/cgroup/*; do
                [ "$controller" = "$4" ] || umount "$controller" 2>/dev/null || true
            done
            mount --bind "$3" "$4"
        fi
        mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
        mount --bind "$1/etc" /etc/libvirt
        mount --bind "$1/lib" /var/lib/libvirt
        mount --bind "$1/cache" /var/cache/libvirt
        mount --bind "$1/log" /var/log/libvirt
        mount --bind "$1/run" /run
        libvirtd $2 &
        wait $! || [ -e "$1/restart" ]
        while [ -e "$1/restart" ]; do
            rm "$1/restart"
            libvirtd $2 &
            wait $! || [ -e "$1/restart" ]
        done
        """;

    private const string ProcRoot = "/proc/";

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _namespaces;
    private readonly PrivateDirectory _directory;
    private int _domainFiles;
    private bool _disposed;

    private LibvirtDaemon(ChildProcess namespaces, PrivateDirectory directory)
    {
        _namespaces = namespaces;
        _directory = directory;
    }

    public string SocketPath => _directory.File("s/libvirt-sock");

    public string ReadOnlySocketPath => _directory.File("s/libvirt-sock-ro");

    /// <summary>For virsh, and for everybody else who speaks libvirt's protocol.</summary>
    public string Uri => $"qemu+unix:///system?socket={SocketPath}";

    /// <summary>libvirtd's process id here, outside of its namespace.</summary>
    public int Pid => OuterPid("run/libvirtd.pid");

    /// <summary>libvirt's file of a user who is let in, where it asks for one (SASL).</summary>
    public string? AuthFile { get; private init; }

    /// <summary>What libvirtd logged.</summary>
    public string Errors => _namespaces.Errors;

    /// <summary>Where it listens on loopback without authentication, if it was told to.</summary>
    public int? TcpPort { get; private init; }

    /// <summary>Where it listens on loopback with TLS, if it was told to.</summary>
    public int? TlsPort { get; private init; }

    public static Task<LibvirtDaemon> StartAsync(CancellationToken cancellationToken = default) => StartAsync(null, cancellationToken);

    /// <param name="tcpPort">Listens there on loopback too, and lets everybody in.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="tls">Listens there on loopback with TLS too, with certificates of that directory.</param>
    /// <param name="allowed">Patterns of the names that it lets in by TLS; null: all.</param>
    public static Task<LibvirtDaemon> StartAsync(
        int? tcpPort, CancellationToken cancellationToken, (int Port, string Directory)? tls = null, IReadOnlyList<string>? allowed = null) =>
        StartAsync(tcpPort, tls, allowed, null, null, cancellationToken);

    /// <summary>One that makes memory control groups for its domains, below one of ours: it sees no other controller, and no group above that.</summary>
    public static Task<LibvirtDaemon> StartInAsync(MemoryControlGroup group, CancellationToken cancellationToken) =>
        StartAsync(null, null, null, null, group, cancellationToken);

    /// <summary>One that wants a name and a password at its socket for reading and changing, and by TLS.</summary>
    /// <param name="sasl">The mechanisms that it takes, as the SASL library's configuration lists them, a user, and its password.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="tls">Listens there on loopback with TLS too, with certificates of that directory.</param>
    public static Task<LibvirtDaemon> StartAsync(
        (string Mechanisms, string User, string Password) sasl, CancellationToken cancellationToken, (int Port, string Directory)? tls = null) =>
        StartAsync(null, tls, null, sasl, null, cancellationToken);

    private static async Task<LibvirtDaemon> StartAsync(
        int? tcpPort, (int Port, string Directory)? tls, IReadOnlyList<string>? allowed, (string Mechanisms, string User, string Password)? sasl,
        MemoryControlGroup? group, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException("A private libvirtd needs namespaces of its own, and so root.");
        var directory = new PrivateDirectory();
        WriteFiles(directory, tcpPort, tls, allowed, sasl is null ? "none" : "sasl", group is not null);
        ChildProcess? child = null;
        try
        {
            if (sasl is { } users)
                await WriteSaslFilesAsync(directory, users, cancellationToken);
            child = await ChildProcess.StartAsync(
                group?.ProgramBelow("unshare") ?? "unshare",
                [
                    .. group is null ? [] : (string[])["--cgroup"], "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-e", "-c", Script, "sh",
                    directory.Path, tcpPort is null && tls is null ? "" : "--listen", group?.Directories.Group ?? "", group?.Directories.Mount ?? "",
                ],
                sasl is null ? null : new Dictionary<string, string> { ["SASL_CONF_PATH"] = directory.File("sasl") });
            var daemon = new LibvirtDaemon(child, directory) { TcpPort = tcpPort, TlsPort = tls?.Port, AuthFile = sasl is null ? null : directory.File("auth.conf") };
            await daemon.WaitForStartAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            if (child is not null)
                await child.DisposeAsync();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Ends libvirtd, without its domains, and starts it again.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        int before = Pid;
        await File.WriteAllTextAsync(_directory.File("restart"), "", cancellationToken);
        ChildProcess.Terminate(before);
        await Deadline.UntilAsync(
            StartDeadline, "another libvirtd", _ => Task.FromResult(!File.Exists(_directory.File("restart"))), cancellationToken);
        await Deadline.UntilAsync(
            StartDeadline,
            "its process id",
            _ => Task.FromResult(File.Exists(_directory.File("run/libvirtd.pid")) && FindInside(InnerPid("run/libvirtd.pid")) is { } pid && pid != before),
            cancellationToken);
        await WaitForStartAsync(cancellationToken);
    }

    /// <summary>Runs virsh on this daemon.</summary>
    public Task<CommandResult> VirshAsync(IEnumerable<string> arguments, CancellationToken cancellationToken = default) =>
        ChildProcess.RunAsync(
            "virsh",
            ["-c", Uri, .. arguments],
            AuthFile is null ? new() { ["LC_ALL"] = "C" } : new Dictionary<string, string> { ["LC_ALL"] = "C", ["LIBVIRT_AUTH_FILE"] = AuthFile },
            cancellationToken: cancellationToken);

    public Task<CommandResult> VirshAsync(params string[] arguments) => VirshAsync(arguments, CancellationToken.None);

    /// <summary>Creates a transient domain, which ends with this daemon at the latest; returns its name.</summary>
    public Task<string> CreateDomainAsync(string xml, CancellationToken cancellationToken = default) => CreateDomainAsync(xml, [], cancellationToken);

    /// <summary>The same, but its processors do not run yet.</summary>
    public Task<string> CreatePausedDomainAsync(string xml, CancellationToken cancellationToken = default) =>
        CreateDomainAsync(xml, ["--paused"], cancellationToken);

    private async Task<string> CreateDomainAsync(string xml, string[] options, CancellationToken cancellationToken)
    {
        var file = _directory.File($"domain{Interlocked.Increment(ref _domainFiles)}.xml");
        await File.WriteAllTextAsync(file, xml, cancellationToken);
        var result = await VirshAsync(["create", file, .. options], cancellationToken);
        return result.ExitCode == 0
            ? XElement.Parse(xml).Element("name")!.Value
            : throw new InvalidOperationException($"virsh create: {result.Errors}");
    }

    /// <summary>Plugs a device into a running domain.</summary>
    public async Task AttachDeviceAsync(string name, string xml, CancellationToken cancellationToken = default)
    {
        var file = _directory.File($"device{Interlocked.Increment(ref _domainFiles)}.xml");
        await File.WriteAllTextAsync(file, xml, cancellationToken);
        var result = await VirshAsync(["attach-device", name, file, "--live"], cancellationToken);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"virsh attach-device: {result.Errors}");
    }

    /// <summary>The process id here, outside of the namespace, of a domain's QEMU.</summary>
    public int DomainPid(string name) => OuterPid($"run/libvirt/qemu/{name}.pid");

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;

        // The kernel ends all other processes with the namespace's first, and only then tells its parent of its end.
        if (FindInside("1") is { } first)
            ChildProcess.Kill(first);
        await _namespaces.WaitForExitAsync();
        await _namespaces.DisposeAsync();
        _directory.Dispose();
    }

    private static async Task WriteSaslFilesAsync(
        PrivateDirectory directory, (string Mechanisms, string User, string Password) sasl, CancellationToken cancellationToken)
    {
        _ = Directory.CreateDirectory(directory.File("sasl"));
        await File.WriteAllTextAsync(directory.File("sasl/libvirt.conf"), $"mech_list: {sasl.Mechanisms}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {directory.File("sasldb")}\n", cancellationToken);
        await File.WriteAllTextAsync(directory.File("auth.conf"), $"[credentials-one]\nauthname={sasl.User}\npassword={sasl.Password}\n\n[auth-libvirt-localhost]\ncredentials=one\n", cancellationToken);
        CommandResult made = await ChildProcess.RunAsync(
            "sh", ["-c", "printf %s \"$PASSWORD\" | saslpasswd2 -f \"$0\" -a libvirt -c -p \"$1\"", directory.File("sasldb"), sasl.User],
            new Dictionary<string, string> { ["PASSWORD"] = sasl.Password, ["SASL_CONF_PATH"] = directory.File("sasl") }, cancellationToken: cancellationToken);
        if (made.ExitCode != 0)
            throw new InvalidOperationException($"saslpasswd2: {made.Errors}");
    }

    private static void WriteFiles(
        PrivateDirectory directory, int? tcpPort, (int Port, string Directory)? tls, IReadOnlyList<string>? allowed, string way, bool makesGroups)
    {
        var revocations = tls is { } files && File.Exists($"{files.Directory}/cacrl.pem");
        foreach (var name in new[] { "etc", "lib", "cache", "log", "run", "s" })
            _ = Directory.CreateDirectory(directory.File(name));
        File.WriteAllText(directory.File("kvm"), "");
        File.WriteAllText(directory.File("etc/libvirtd.conf"), $"""
            unix_sock_dir = "{directory.File("s")}"
            auth_unix_ro = "none"
            auth_unix_rw = "{way}"
            """ + (tcpPort is null && tls is null ? "" : string.Create(CultureInfo.InvariantCulture, $"""

            listen_addr = "127.0.0.1"
            listen_tcp = {(tcpPort is null ? 0 : 1)}
            listen_tls = {(tls is null ? 0 : 1)}
            auth_tcp = "none"
            auth_tls = "{way}"
            """) + (tcpPort is { } port ? string.Create(CultureInfo.InvariantCulture, $"""

            tcp_port = "{port}"
            """) : "") + (tls is { } secure ? string.Create(CultureInfo.InvariantCulture, $"""

            tls_port = "{secure.Port}"
            key_file = "{secure.Directory}/serverkey.pem"
            cert_file = "{secure.Directory}/servercert.pem"
            ca_file = "{secure.Directory}/cacert.pem"
            """) + (revocations ? $"\ncrl_file = \"{secure.Directory}/cacrl.pem\"" : "") : "")
            + (allowed is null ? "" : $"\ntls_allowed_dn_list = [{string.Join(", ", allowed.Select(pattern => $"\"{pattern}\""))}]")));
        File.WriteAllText(directory.File("etc/qemu.conf"), $"""
            user = "root"
            group = "root"
            dynamic_ownership = 0
            remember_owner = 0
            security_driver = "none"
            cgroup_controllers = [{(makesGroups ? "\"memory\"" : "")}]
            namespaces = []
            stdio_handler = "file"
            """);
    }

    private async Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        await Deadline.UntilAsync(
            StartDeadline,
            "socket of libvirtd",
            async token =>
            {
                if (!_namespaces.HasExited)
                    return UnixSocket.IsListening(SocketPath);
                await _namespaces.WaitForExitAsync(token);
                throw new InvalidOperationException($"libvirtd exited with status {_namespaces.ExitCode}: {Errors}");
            },
            cancellationToken);

        // It listens before its drivers are ready, and then lets its first clients wait.
        var version = await VirshAsync(["version"], cancellationToken);
        if (version.ExitCode != 0)
            throw new InvalidOperationException($"virsh version: {version.Errors} {Errors}");
    }

    private int OuterPid(string innerPidFile)
    {
        var inner = InnerPid(innerPidFile);
        return FindInside(inner) ?? throw new InvalidOperationException($"No process has the id {inner} in the daemon's namespace.");
    }

    private string InnerPid(string innerPidFile) => File.ReadAllText(_directory.File(innerPidFile)).Trim();

    private int? FindInside(string innerPid)
    {
        if (_namespaces.HasExited)
            return null;
        var space = new FileInfo($"{ProcRoot}{_namespaces.Pid}/ns/pid_for_children").LinkTarget;
        foreach (var directory in Directory.EnumerateDirectories(ProcRoot).Where(d => char.IsAsciiDigit(d[ProcRoot.Length])))
        {
            try
            {
                if (new FileInfo(Path.Combine(directory, "ns/pid")).LinkTarget == space
                    && File.ReadLines(Path.Combine(directory, "status"))
                        .Any(line => line.StartsWith("NSpid:", StringComparison.Ordinal) && line.Split('\t')[^1] == innerPid))
                    return int.Parse(directory[ProcRoot.Length..], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // This process ended meanwhile.
            }
        }

        return null;
    }
}
