using System.Net.Sockets;
using System.Runtime.Versioning;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// The daemon is a guest on its host: it takes away only the sockets that it put there, lets in whom it says, and refuses
/// places where others could put theirs.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class DaemonPlaceTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => _directory.File("sock");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_socket_that_another_daemon_put_in_place_of_ours_stays()
    {
        await using ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", Socket);
        foreach (string path in new[] { Socket, Socket + "-ro" })
            File.Delete(path);

        await using ChildProcess other = await ListenerAsync(Socket, Socket + "-ro");
        await DaemonRun.EndAsync(daemon, Token);
        Assert.True(IsAlive(Socket) && IsAlive(Socket + "-ro"), "the other one's sockets are gone");
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket), 2, $"(process {other.Pid})");
        Assert.True(IsAlive(Socket) && IsAlive(Socket + "-ro"), "the other one's sockets are gone");
    }

    [Fact]
    public async Task Its_own_sockets_are_gone_at_its_end_and_replaced_after_a_crash()
    {
        await using (ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", Socket))
            await DaemonRun.EndAsync(daemon, Token);
        Assert.False(File.Exists(Socket) || File.Exists(Socket + "-ro"));

        await using (ChildProcess crashed = await DaemonRun.StartAsync(Token, "--socket", Socket))
        {
            crashed.Kill();
            await crashed.WaitForExitAsync(Token);
        }

        Assert.True(File.Exists(Socket));
        await using ChildProcess next = await DaemonRun.StartAsync(Token, "--socket", Socket);
        Assert.True(IsAlive(Socket) && IsAlive(Socket + "-ro"));
    }

    [Fact]
    public async Task However_early_it_is_told_to_end_it_ends_as_it_should()
    {
        const int starts = 40;
        for (int i = 0; i < starts; i++)
        {
            // Its sockets are there before it serves them.
            await using ChildProcess daemon = await ChildProcess.StartAsync(BallastDaemon.Program, ["--config", "/dev/null", "--socket", Socket, "--qmp", _directory.File("qemus")]);
            await Deadline.UntilAsync(Deadline.Default, "a socket", _ => Task.FromResult(File.Exists(Socket)), Token, TimeSpan.FromMilliseconds(1));
            await Task.Delay(i, Token);
            await DaemonRun.EndAsync(daemon, Token);
            Assert.DoesNotMatch("(?m)^ballastd: |rror", daemon.Errors);
            Assert.False(File.Exists(Socket) || File.Exists(Socket + "-ro"));
        }
    }

    [Fact]
    public async Task A_configuration_of_any_size_is_refused()
    {
        string config = _directory.File("long.conf");
        await using (FileStream file = File.Create(config))
            file.SetLength(1L << 40);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--config", config, "--socket", Socket), 2, $"{config} is too long: more than 1024 KiB");
    }

    [Theory]
    [InlineData("touch {0}")]
    [InlineData("echo text > {0}")]
    [InlineData("mkfifo {0}")]
    [InlineData("mkdir {0}")]
    [InlineData("ln -s nowhere {0}")]
    [InlineData("touch {0}.target; ln -s {0}.target {0}")]
    [InlineData("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{0}.target\")'; ln -s {0}.target {0}")]
    public async Task What_is_no_socket_is_never_taken_away(string make)
    {
        foreach (string path in new[] { Socket, Socket + "-ro", Socket + ".lock" })
        {
            // A plain file of our own is what a lock is.
            if (path.EndsWith(".lock", StringComparison.Ordinal) && make is "touch {0}" or "echo text > {0}")
                continue;
            string script = string.Format(System.Globalization.CultureInfo.InvariantCulture, make, path);
            Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["sh", "-c", script], Token)).ExitCode);
            string before = await ListAsync();
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket), 2, path);
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket, "--check"), 2, path);
            Assert.Equal(before, await ListAsync());
            Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["sh", "-c", $"rm -rf {_directory.Path}/*"], Token)).ExitCode);
        }
    }

    [Fact]
    public async Task A_lock_that_is_another_files_name_is_not_used()
    {
        await File.WriteAllTextAsync(_directory.File("secret"), "text", Token);
        Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["ln", _directory.File("secret"), Socket + ".lock"], Token)).ExitCode);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket), 2, Socket + ".lock");
    }

    [Theory]
    [InlineData(0x1FF, 0)]
    [InlineData(0x1F8, 0)]
    [InlineData(0x1ED, 65534)]
    public async Task A_directory_where_others_may_replace_the_socket_is_refused(int mode, int owner)
    {
        string open = _directory.File("open");
        Directory.CreateDirectory(Path.Combine(open, "below"));
        Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["chown", $"{owner}", open], Token)).ExitCode);
        File.SetUnixFileMode(open, (UnixFileMode)mode);
        File.CreateSymbolicLink(_directory.File("link"), Path.Combine(open, "below"));
        foreach (string place in new[] { Path.Combine(open, "sock"), Path.Combine(open, "below", "sock"), Path.Combine(open, "new", "sock"), _directory.File("link/sock") })
        {
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", place), 2, $"{open} ");
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", place, "--check"), 2, $"{open} ");
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket, "--socket-ro", place), 2, $"{open} ");
        }

        Assert.Equal([Path.Combine(open, "below")], Directory.GetFileSystemEntries(open));
    }

    [Fact]
    public async Task A_directory_in_which_each_may_only_replace_what_is_its_own_will_do()
    {
        const UnixFileMode sticky = UnixFileMode.StickyBit;
        string shared = _directory.File("shared");
        Directory.CreateDirectory(shared);
        File.SetUnixFileMode(shared, Everybody | sticky);
        await using ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", Path.Combine(shared, "sock"));
        Assert.True(IsAlive(Path.Combine(shared, "sock")));
    }

    [Fact]
    public async Task A_path_that_is_too_long_for_an_address_is_listened_on_all_the_same()
    {
        string directory = _directory.File(new string('d', 130));
        Directory.CreateDirectory(directory);
        string socket = Path.Combine(directory, "sock");
        await using ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", socket);
        await using (Connection connection = await Connection.OpenAsync($"qemu+unix:///system?socket={socket}", cancellationToken: Token))
            Assert.Equal("QEMU", connection.DriverType);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", socket), 2, "listens on");
        await DaemonRun.EndAsync(daemon, Token);
        Assert.Equal([socket + ".lock"], Directory.GetFiles(directory));
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", _directory.File(new string('n', 120))), 2, "too long");
    }

    [Fact]
    public async Task Two_sockets_of_one_path_are_refused()
    {
        string linked = _directory.File("linked");
        File.CreateSymbolicLink(linked, _directory.Path);
        foreach (string same in new[] { Socket, $"{_directory.Path}/./sock", $"{linked}/sock" })
        {
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket, "--socket-ro", same), 2, "both sockets are ");
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", Socket, "--socket-ro", same, "--check"), 2, "both sockets are ");
        }

        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--socket", _directory.Path + "/"), 2, "is not the path of a socket");
    }

    [Theory]
    [InlineData("077")]
    [InlineData("000")]
    [InlineData("777")]
    public async Task The_directory_of_the_host_is_open_to_all_and_a_sessions_to_its_user(string umask)
    {
        string script = $"umask {umask}; exec \"$0\" --config /dev/null --group 65534";
        await using (ChildProcess daemon = await DaemonRun.StartCommandAsync(DaemonRun.InOwnRun(script), Token))
        {
            string run = $"/proc/{daemon.Pid}/root/run/ballast";
            Assert.Equal("755 directory|660 socket|777 socket", await ModesAsync(run, $"{run}/ballast-sock", $"{run}/ballast-sock-ro"));
        }

        // One that an earlier version left closed is opened.
        script = $"mkdir -m 700 /run/ballast; {script}";
        await using (ChildProcess daemon = await DaemonRun.StartCommandAsync(DaemonRun.InOwnRun(script), Token))
            Assert.Equal("755 directory", await ModesAsync($"/proc/{daemon.Pid}/root/run/ballast"));

        script = $"umask {umask}; mkdir -p /run/user; chmod 755 /run /run/user; mkdir -m 700 /run/user/9; chown 65534 /run/user/9; " +
            "XDG_RUNTIME_DIR=/run/user/9 exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\" --config /dev/null";
        await using ChildProcess session = await DaemonRun.StartCommandAsync(DaemonRun.InOwnRun(script), Token);
        Assert.Equal("700 directory", await ModesAsync($"/proc/{session.Pid}/root/run/user/9/ballast"));
    }

    [Fact]
    public async Task Without_the_tables_of_sockets_it_starts()
    {
        string[] command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc/self/net && exec \"$0\" --config /dev/null --socket \"$1\"", BallastDaemon.Program, Socket];
        await using ChildProcess daemon = await DaemonRun.StartCommandAsync(command, Token);
        await using Connection connection = await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}", cancellationToken: Token);
        _ = await connection.ListDomainsAsync(cancellationToken: Token);
        await DaemonRun.EndAsync(daemon, Token);
        Assert.DoesNotContain("   at ", daemon.Errors);
    }

    [Fact]
    public async Task A_monitor_that_is_not_there_is_said_and_waited_for()
    {
        string later = _directory.File("later");
        await using ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", Socket, "--qmp", later);
        Assert.Contains($"{later} is not there", daemon.Errors);
        CommandResult check = await DaemonRun.ToEndAsync(Token, "--socket", _directory.File("other"), "--qmp", later, "--check");
        Assert.Equal((0, $"ballastd: warning: {later} is not there; its QEMUs are served as soon as it is\n"), (check.ExitCode, check.Errors));
    }

    [Fact]
    public async Task A_check_says_all_that_a_start_would_fail_on_and_leaves_nothing()
    {
        string file = _directory.File("file");
        await File.WriteAllTextAsync(file, "", Token);
        CommandResult check = await DaemonRun.ToEndAsync(
            Token, "--check", "--socket", $"{file}/sock", "--socket-ro", file, "--group", "nobody-has-this", "--qmp", _directory.File("later"));
        Assert.Equal(2, check.ExitCode);
        Assert.Equal(4, check.Errors.Count(c => c == '\n'));
        Assert.All(["nobody-has-this", $"{file} is not a directory", "later is not there"], part => Assert.Contains(part, check.Errors));

        check = await DaemonRun.ToEndAsync(Token, "--check", "--socket", _directory.File("a/b/sock"));
        Assert.Equal((0, ""), (check.ExitCode, check.Errors));
        Assert.Equal([file], Directory.GetFileSystemEntries(_directory.Path));

        string config = _directory.File("wrong.conf");
        await File.WriteAllTextAsync(config, "max_clients = 5\nnonsense = 1\n", Token);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--check", "--config", config), 2, $"{config}:2");

        await using ChildProcess daemon = await DaemonRun.StartAsync(Token, "--socket", Socket);
        DaemonRun.IsRefused(
            await DaemonRun.ToEndAsync(Token, "--check", "--socket", Socket, "--socket-ro", _directory.File("other")), 2, $"listens on {Socket}");
    }

    private static bool IsAlive(string path)
    {
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<ChildProcess> ListenerAsync(params string[] paths)
    {
        const string program = "import socket, sys, time\nkept = []\nfor path in sys.argv[1:]:\n    s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(9); kept.append(s)\ntime.sleep(600)";
        ChildProcess listener = await ChildProcess.StartAsync("python3", ["-c", program, .. paths]);
        await Deadline.UntilAsync(Deadline.Default, "the other's sockets", _ => Task.FromResult(paths.All(IsAlive)), Token);
        return listener;
    }

    private static async Task<string> ModesAsync(params string[] paths) =>
        string.Join('|', (await DaemonRun.CommandToEndAsync(["stat", "-c", "%a %F", .. paths], Token)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    private async Task<string> ListAsync() => (await DaemonRun.CommandToEndAsync(["ls", "-li", _directory.Path], Token)).Output;
}
