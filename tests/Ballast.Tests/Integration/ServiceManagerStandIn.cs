using System.Globalization;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// Does for ballastd what systemd does: listens for it, starts it with the sockets, again each time it ended and was asked for,
/// and hears what it says of itself.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class ServiceManagerStandIn : IAsyncDisposable
{
    // The descriptors begin at 3, whatever the sockets were made as; and the variable has the id that the daemon gets.
    private const string Script =
        """
        import fcntl, os, socket, subprocess, sys, time
        directory, names, kinds, command = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4:]
        made = []
        for i, kind in enumerate(kinds):
            if kind == "file":
                made.append(os.open("/dev/null", os.O_RDWR))
                continue
            if kind.startswith("port"):
                s = socket.create_server(("127.0.0.1", 0), backlog=512)
                with open(f"{directory}/{kind}", "w") as file:
                    file.write(str(s.getsockname()[1]))
                made.append(fcntl.fcntl(s.detach(), fcntl.F_DUPFD, 50))
                continue
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
            path = f"{directory}/{kind}"
            s.bind(path)
            os.chmod(path, 0o666)
            if kind != "datagram" and not kind.startswith("bound"):
                s.listen(512)
            made.append(fcntl.fcntl(s.detach(), fcntl.F_DUPFD, 50))
        made = [fcntl.fcntl(each, fcntl.F_DUPFD, 50) for each in made]
        for i, each in enumerate(made):
            os.dup2(each, 3 + i)
        while True:
            shell = f"LISTEN_PID=$$ LISTEN_FDS={len(made)} LISTEN_FDNAMES={names} exec \"$@\""
            with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "sh", "-c", shell, "sh", *command], pass_fds=range(3, 3 + len(made))) as daemon:
                with open(f"{directory}/pid.new", "w") as file:
                    file.write(str(daemon.pid))
                os.rename(f"{directory}/pid.new", f"{directory}/pid")
            with open(f"{directory}/status.new", "w") as file:
                file.write(str(daemon.returncode))
            os.rename(f"{directory}/status.new", f"{directory}/status")
            while not os.path.exists(f"{directory}/next"):
                time.sleep(0.01)
            os.remove(f"{directory}/next")
        """;

    private readonly PrivateDirectory _directory = new();
    private readonly Socket _ears = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private ChildProcess? _process;

    /// <param name="isAbstract">Whether what it hears by has no place in the file system.</param>
    public ServiceManagerStandIn(bool isAbstract = false)
    {
        string name = _directory.File("notify");
        _ears.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name : name));
        Environment = new() { ["NOTIFY_SOCKET"] = isAbstract ? "@" + name : name };
    }

    /// <summary>What the daemon is told besides its sockets.</summary>
    public Dictionary<string, string> Environment { get; }

    /// <summary>All that daemons logged.</summary>
    public string Errors => _process!.Errors;

    /// <summary>Waits until a daemon has logged something: what it tells by the other way may come first.</summary>
    public Task LogsAsync(string text, CancellationToken cancellationToken) => Deadline.UntilAsync(
        Deadline.Default, $"'{text}' in the log", _ => Task.FromResult(Errors.Contains(text, StringComparison.Ordinal)), cancellationToken);

    public int Pid => int.Parse(File.ReadAllText(_directory.File("pid")), CultureInfo.InvariantCulture);

    public string Socket(string kind) => _directory.File(kind);

    /// <summary>The port of 127.0.0.1 that a socket of kind <c>port…</c> listens on.</summary>
    public int Port(string kind) => int.Parse(File.ReadAllText(_directory.File(kind)), CultureInfo.InvariantCulture);

    public Task<Connection> OpenAsync(string kind, CancellationToken token, string name = "qemu:///system") =>
        Connection.OpenAsync($"qemu+unix:///system?socket={Socket(kind)}&name={Uri.EscapeDataString(name)}", cancellationToken: token).AsTask();

    /// <summary>Starts ballastd with sockets that are files in a private directory.</summary>
    /// <param name="names">What they are called, with colons in between.</param>
    /// <param name="kinds">
    /// Their files' names; <c>datagram</c>, <c>bound…</c> and <c>file</c> are no sockets to listen on, and <c>port…</c> are sockets of TCP.
    /// </param>
    /// <param name="arguments">Of the daemon.</param>
    public async Task StartAsync(string names, string kinds, params string[] arguments) =>
        _process = await ChildProcess.StartAsync(
            "python3",
            ["-c", Script, _directory.Path, names, kinds, BallastDaemon.Program, "--config", "/dev/null", .. ExclusiveCollection.WithoutOthers(arguments)],
            Environment);

    /// <summary>The status with which the daemon ends.</summary>
    public async Task<int> EndAsync(CancellationToken token)
    {
        string file = _directory.File("status");
        await Deadline.UntilAsync(Deadline.Default, "the end of ballastd", _ => Task.FromResult(File.Exists(file)), token);
        int status = int.Parse(await File.ReadAllTextAsync(file, token), CultureInfo.InvariantCulture);
        File.Delete(file);
        return status;
    }

    /// <summary>Starts another daemon after the one that ended.</summary>
    public void StartNext() => File.WriteAllText(_directory.File("next"), "");

    /// <summary>What the daemon says next.</summary>
    public Task<string> HearAsync(CancellationToken token) =>
        Deadline.WithinAsync(Deadline.Default, "word from ballastd", async limited =>
        {
            byte[] buffer = new byte[4096];
            int length = await _ears.ReceiveAsync(buffer, limited);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }, token);

    /// <summary>What it says when it says a certain thing, whatever it says before.</summary>
    public async Task<string> HearAsync(string part, CancellationToken token)
    {
        while (true)
        {
            string said = await HearAsync(token);
            if (said.Contains(part, StringComparison.Ordinal))
                return said;
        }
    }

    /// <summary>What it has said already.</summary>
    public IReadOnlyList<string> Heard()
    {
        List<string> all = [];
        byte[] buffer = new byte[4096];
        while (_ears.Available > 0)
            all.Add(Encoding.UTF8.GetString(buffer, 0, _ears.Receive(buffer)));
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _ears.Dispose();
        _directory.Dispose();
    }
}
