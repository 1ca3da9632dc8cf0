using System.Net;
using System.Net.Sockets;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>Daemons behind a real ssh and sshd, on this host's loopback.</summary>
[Collection(Shared)]
[Trait("needs", "ssh")]
public sealed class SshTests
{
    /// <summary>Tests that start ssh in this process, one after the other: some count what is left.</summary>
    internal const string Shared = "ssh";

    private const int ConnectionReset = 104;

    // The shell of ballast is told to connect again and again; its descriptors are counted in between.
    private const string Counting = """
        mkfifo "$1/in"
        "$2" -c "$3" <"$1/in" >"$1/out" 2>&1 &
        exec 3>"$1/in"
        count() {
            for i in $(seq "$5"); do
                echo "connect '$4'"
                echo "connect '$3'"
            done >&3
            echo "echo after$5" >&3
            until grep -qx "after$5" "$1/out"; do sleep 0.05; done
            ls "/proc/$!/fd" | wc -l
        }
        count "$@" 1
        count "$@" 6
        exec 3>&-
        wait
        """;

    private static readonly string[] Shell = ["sh", "grep", "id"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ballast nc", "", "ballast ssh-helper --probe -- SOCKET|ballast ssh-helper -- SOCKET")]
    [InlineData("ballast virt-ssh-helper", "&proxy=native", "ballast ssh-helper --probe -- SOCKET|ballast ssh-helper -- SOCKET")]
    [InlineData("nc", "", "nc -q|nc -q0 -U SOCKET")]
    [InlineData("ballast nc", "&proxy=netcat", "nc -q|nc -q0 -U SOCKET")]
    [InlineData("ballast nc", "&mode=legacy", "nc -q|nc -q0 -U SOCKET")]
    [InlineData("true nc", "", "nc -q|nc -q0 -U SOCKET")]
    public async Task Leads_to_a_daemon_by_the_first_program_that_is_there(string programs, string parameters, string runs)
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync(programs.Split(' '));
        await using (Connection connection = await Connection.OpenAsync(ssh.Uri(daemon.SocketPath, parameters), cancellationToken: Token))
        {
            Assert.Equal("QEMU", connection.DriverType);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
        }

        Assert.Equal(runs.Replace("SOCKET", daemon.SocketPath, StringComparison.Ordinal).Split('|'), ssh.Runs.TrimEnd().Split('\n'));
        NothingIsLeft();
    }

    // Their far end looks for the socket itself; the daemon's is where it is looked for only in namespaces of its own.
    [Theory]
    [Trait("needs", "libvirtd")]
    [InlineData("ballast", "ballast ssh-helper --probe -- qemu:///system|ballast ssh-helper -- qemu:///system")]
    [InlineData("virt-ssh-helper", "virt-ssh-helper qemu:///system")]
    public async Task Leads_to_libvirtd_without_being_told_where_it_is(string program, string runs)
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync();
        string path = program == "ballast" ? BallastProgram.Path : program;
        ssh.Install(program,
            $"/usr/bin/nsenter --target {libvirtd.Pid} --mount /bin/sh -c 'export PATH=/usr/bin:/bin; mkdir -p /run/libvirt; "
            + $"ln -sf {libvirtd.SocketPath} /run/libvirt/libvirt-sock; exec {path} \"$@\"' sh");
        await using Connection connection = await Connection.OpenAsync(ssh.Uri(null), cancellationToken: Token);
        Assert.Equal("QEMU", connection.DriverType);
        Assert.Empty(await connection.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal(runs.Split('|'), ssh.Runs.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Another_program_named_ballast_is_left_alone()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync("nc");
        ssh.Install("ballast", "/usr/bin/false");
        await using Connection connection = await Connection.OpenAsync(ssh.Uri(daemon.SocketPath), cancellationToken: Token);
        _ = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal([$"ballast ssh-helper --probe -- {daemon.SocketPath}", "nc -q", $"nc -q0 -U {daemon.SocketPath}"], ssh.Runs.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task What_is_read_only_stays_so()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync("ballast");
        await using Connection connection = await Connection.OpenAsync(ssh.Uri(daemon.ReadOnlySocketPath), new() { ReadOnly = true }, Token);
        _ = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Contains($"ballast ssh-helper --readonly -- {daemon.ReadOnlySocketPath}\n", ssh.Runs, StringComparison.Ordinal);
    }

    // What it is told of the host, the key and the way; what it says.
    [Theory]
    [InlineData("unknown key", "", "the host's key is not known; run 'ssh -p PORT -l root 127.0.0.1' once and compare it (Host key verification failed.)")]
    [InlineData("changed key", "", "the host's key is not the known one; if it was replaced, forget the old one with 'ssh-keygen -R 127.0.0.1'")]
    [InlineData("wrong key", "", "the host does not let this user in; add a key that it accepts to the agent, or name one with keyfile= (root@127.0.0.1: Permission denied (publickey).)")]
    [InlineData("no programs", "", "the host has no program that leads to the daemon; install ballast, libvirt's virt-ssh-helper or netcat-openbsd there (there is no ballast, virt-ssh-helper or nc on this host)")]
    [InlineData("no programs", "&proxy=native", "install ballast, libvirt's virt-ssh-helper or netcat-openbsd there (there is neither ballast nor virt-ssh-helper on this host)")]
    [InlineData("no programs", "&proxy=netcat", "install ballast, libvirt's virt-ssh-helper or netcat-openbsd there (there is no nc on this host)")]
    [InlineData("no socket", "", "no daemon listens there; start ballastd or libvirtd on that host (nc: /not/there: No such file or directory)")]
    public async Task Says_what_is_wrong_and_what_to_do(string what, string parameters, string answer)
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync(what == "no programs" ? [] : ["ballast", "nc"]);
        string client = what switch
        {
            "unknown key" => ssh.OtherClient($"-o UserKnownHostsFile={ssh.KeyFile("none")}"),
            "changed key" => ssh.OtherClient($"-o UserKnownHostsFile={ssh.KeyFile("other-known")}"),
            "wrong key" => ssh.OtherClient($"-o IdentityFile={ssh.KeyFile("other")} -o PreferredAuthentications=publickey"),
            _ => ssh.Client,
        };
        if (what == "wrong key")
            await File.WriteAllTextAsync(ssh.KeyFile("authorized"), "", Token);
        string uri = $"{ssh.Uri(what == "no socket" ? "/not/there" : daemon.SocketPath, parameters)}&command={client}";
        LibvirtException error = await FailAsync(uri);
        Assert.StartsWith("cannot connect through 'ssh -p ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(answer.Replace("PORT", $"{ssh.Port}", StringComparison.Ordinal), error.Message, StringComparison.Ordinal);

        // A daemon may be started soon; the rest lasts until somebody mends it.
        Assert.Equal(what == "no socket", error.IsUnreachable);
        NothingIsLeft();
    }

    [Fact]
    public async Task Says_so_where_nobody_listens_or_no_host_has_that_name()
    {
        using HeldPort held = new();
        string refused = $"qemu+ssh://127.0.0.1:{held.Port}/system";
        Assert.Contains("no ssh server listens there; check the port, and that sshd runs (ssh: connect to host 127.0.0.1 port ", (await FailAsync(refused)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "the name of the host is not known; check its spelling (ssh: Could not resolve hostname no.such.host.invalid: ",
            (await FailAsync("qemu+ssh://no.such.host.invalid/system")).Message, StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task Who_may_not_use_the_socket_is_told_so()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync();
        ssh.Install("nc", "setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/nc");
        ssh.Link("setpriv");
        LibvirtException error = await FailAsync(ssh.Uri(daemon.SocketPath));
        Assert.Contains("this user may not use the daemon's socket there; log in as root or as a member of the socket's group (", error.Message, StringComparison.Ordinal);

        // A daemon may have just made it.
        Assert.True(error.IsUnreachable);
    }

    [Fact]
    public async Task A_host_that_never_answers_is_given_up_at_the_deadline()
    {
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen();
        string uri = $"qemu+ssh://127.0.0.1:{((IPEndPoint)silent.LocalEndPoint!).Port}/system?timeout=700ms";
        LibvirtException error = await Connection.OpenAsync(uri, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("did not open the connection within 0.7 s: check that the host is up, and that 'ssh -p ", error.Message, StringComparison.Ordinal);
        NothingIsLeft();

        using CancellationTokenSource cancelled = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task opening = Connection.OpenAsync(uri.Replace("700ms", "60s", StringComparison.Ordinal), cancellationToken: cancelled.Token).AsTask();
        await Deadline.UntilAsync(Deadline.Default, "an ssh", _ => Task.FromResult(Children().Count > 0), Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_program_that_will_not_end_is_killed()
    {
        using PrivateDirectory directory = new();
        string deaf = directory.File("deaf"), stubborn = directory.Program("ssh", $"#!/bin/sh\ntrap '' TERM\n: >{deaf}\nwhile :; do sleep 0.1; done\n");
        using CancellationTokenSource cancelled = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task opening = Connection.OpenAsync($"qemu+ssh://host/system?command={stubborn}&timeout=60s", cancellationToken: cancelled.Token).AsTask();
        await Deadline.UntilAsync(Deadline.Default, "an ssh that is deaf", _ => Task.FromResult(File.Exists(deaf)), Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_program_that_writes_errors_without_end_is_still_answered_in_time_and_in_one_line()
    {
        using PrivateDirectory directory = new();
        string loud = directory.Program("ssh", "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x >&2\nprintf '\\nlast \\033[31mwords\\n' >&2\nexit 255\n");
        Assert.Equal(
            "cannot connect through 'ssh host': ssh failed (last \\x1b[31mwords)", (await FailAsync($"qemu+ssh://host/system?command={loud}")).Message);
    }

    [Theory]
    [InlineData("echo 'Welcome to host1: for staff only'", "'Welcome to host1: for staff only'")]
    [InlineData("printf '\\r\\n\\033[1mhost1\\033[0m\\n'", null)]
    [InlineData("printf '\\r\\n  host1 \\033[0m\\n'", "'host1'")]
    public async Task A_shell_that_prints_something_first_is_said_to(string prints, string? text)
    {
        using PrivateDirectory directory = new();
        string noisy = directory.Program("ssh", $"#!/bin/sh\n{prints}\nexec cat >{directory.File("asked")}\n");
        LibvirtException error = await Connection.OpenAsync($"qemu+ssh://host/system?command={noisy}", cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Contains(text is null
            ? "it sent a message of "
            : $"it sent text instead of libvirt's protocol ({text}): another service listens there, or, over ssh, a start-up file of the shell prints it", error.Message, StringComparison.Ordinal);
        NothingIsLeft();
    }

    [Fact]
    public async Task A_lost_connection_says_why_and_is_opened_again()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync("ballast");
        await using Connection connection = await Connection.OpenAsync(ssh.Uri(daemon.SocketPath), new() { Reconnect = true }, Token);
        await using Connection once = await Connection.OpenAsync(ssh.Uri(daemon.SocketPath), cancellationToken: Token);
        foreach (int pid in Children())
            ChildProcess.Terminate(pid);
        LibvirtException loss = Assert.IsType<LibvirtException>(await once.Closed.WaitAsync(Deadline.Default, Token));
        Assert.StartsWith($"the connection through 'ssh -p {ssh.Port} -l root 127.0.0.1' was lost: ", loss.Message, StringComparison.Ordinal);
        await Deadline.UntilAsync(Deadline.Default, "another connection", async token =>
        {
            try
            {
                _ = await connection.ListDomainsAsync(cancellationToken: token);
                return true;
            }
            catch (LibvirtException)
            {
                return false;
            }
        }, Token);
    }

    [Fact]
    public async Task Leaves_no_descriptor_behind_and_hands_none_on()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using SshServer ssh = await StartAsync("ballast");
        using PrivateDirectory directory = new();
        string seen = directory.File("seen"), looks = directory.Program("ssh", $"#!/bin/sh\nexec ls /proc/self/fd >{seen}\n");
        _ = await ChildProcess.RunAsync(
            "sh", ["-c", "exec 7</dev/null; exec \"$@\"", "sh", BallastProgram.Path, "-c", $"qemu+ssh://host/system?command={looks}", "list"], cancellationToken: Token);
        // The last is the directory that it reads.
        Assert.Equal(["0", "1", "2", "3"], await File.ReadAllLinesAsync(seen, Token));

        // In a process that nobody else uses: as many after six connections and six failures as after one of each.
        CommandResult counted = await ChildProcess.RunAsync(
            "sh", ["-c", Counting, "sh", directory.Path, BallastProgram.Path, ssh.Uri(daemon.SocketPath), ssh.Uri("/not/there")], cancellationToken: Token);
        string[] counts = counted.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, counts.Length);
        Assert.Equal(counts[0], counts[1]);
    }

    private static async Task<SshServer> StartAsync(params string[] programs)
    {
        SshServer ssh = await SshServer.StartAsync(Token);
        ssh.Link(Shell);
        foreach (string program in programs)
            ssh.Install(program, program == "ballast" ? BallastProgram.Path : $"/usr/bin/{program}");
        return ssh;
    }

    private static async Task<LibvirtException> FailAsync(string uri)
    {
        LibvirtException error = await Connection.OpenAsync(uri, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Equal((ErrorOrigin.Rpc, ConnectionReset), (error.Origin, error.Int1));
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }

    // Every ssh was waited for, so not even a dead one is there.
    private static void NothingIsLeft() => Assert.Empty(Children());

    /// <summary>The programs that the library has started for this process, dead ones too: all others have our own way of starting them.</summary>
    private static List<int> Children() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").SelectMany(Lines).Select(int.Parse).Where(IsSsh)];

    private static IEnumerable<string> Lines(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static bool IsSsh(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd() is "ssh";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
