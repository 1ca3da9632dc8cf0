using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class DiscoveryTests : IAsyncDisposable
{
    private const uint Nobody = 65534;

    private static readonly string[] Machine =
        ["-S", "-accel", "tcg,tb-size=1", "-M", "q35", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-balloon-pci"];

    private readonly PrivateDirectory _directory = new();
    private readonly List<IAsyncDisposable> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable started in _started)
            await started.DisposeAsync();
        _directory.Dispose();
    }

    public static TheoryData<string[]> Forms { get; } = new()
    {
        { ["-qmp", "unix:DIR/m.sock,server=on,wait=off"] },
        { ["-qmp", "unix:DIR/m.sock,server,nowait"] },
        { ["-qmp", "unix:m.sock,server=on,wait=off"] },
        { ["-qmp-pretty", "unix:DIR/m.sock,server=on,wait=off"] },
        { ["-qmp", "unix:DIR/with,,comma.sock,server=on,wait=off"] },
        { ["-chardev", "socket,id=c,path=DIR/m.sock,server=on,wait=off", "-mon", "chardev=c,mode=control"] },
        { ["-chardev", "socket,id=c,path=m.sock,server=on,wait=off", "-mon", "c,mode=control,pretty=on"] },
        { ["-chardev", "socket,id=c,path=DIR/m.sock,server=on,wait=off", "-qmp", "chardev:c"] },
        { ["-monitor", "unix:DIR/human.sock,server=on,wait=off", "-qmp", "unix:DIR/m.sock,server=on,wait=off"] },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Each_form_of_command_line_is_found_and_asked(string[] monitor)
    {
        ChildProcess qemu = await StartQemuAsync(["-name", "guest=form,debug-threads=on", .. monitor.Select(argument => argument.Replace("DIR", _directory.Path, StringComparison.Ordinal))]);
        await using Connection connection = await OpenAsync();
        Domain domain = await UntilAsync(connection, qemu, async found => (await found.GetStateAsync(Token)).State == DomainState.Paused);
        Assert.Equal(("form", qemu.Pid), (domain.Name, domain.Id));
        Assert.Equal(["actual", "last_update", "rss"], (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Entries.Select(entry => entry.Tag.Label()));
    }

    [Fact]
    public async Task Domains_come_and_go_and_of_two_with_one_name_the_older_keeps_it()
    {
        await using Connection connection = await OpenAsync();
        ChildProcess first = await StartQemuAsync(["-name", "twin", "-qmp", $"unix:{_directory.File("1.sock")},server=on,wait=off"]);
        Assert.Equal("twin", (await UntilAnsweringAsync(connection, first)).Name);
        ChildProcess second = await StartQemuAsync(["-name", "twin", "-qmp", $"unix:{_directory.File("2.sock")},server=on,wait=off"]);
        Domain later = await UntilAnsweringAsync(connection, second);
        Assert.Equal($"twin@{second.Pid}", later.Name);
        Assert.Equal(second.Pid, (await connection.LookupByNameAsync($"twin@{second.Pid}", Token)).Id);
        Assert.Equal(first.Pid, (await connection.LookupByNameAsync("twin", Token)).Id);

        first.Kill();
        await first.WaitForExitAsync(Token);
        await Deadline.UntilAsync(Deadline.Default, "the domain to be gone", async token =>
            (await connection.ListDomainsAsync(cancellationToken: token)).All(domain => domain.Id != first.Pid), Token);

        // It was listed under that name, and whoever remembers "twin" meant the other.
        Assert.Equal(second.Pid, (await connection.LookupByNameAsync($"twin@{second.Pid}", Token)).Id);
        LibvirtException none = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByNameAsync("twin", Token));
        Assert.Equal(ErrorCode.NoDomain, none.Code);
        LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByIdAsync(first.Pid, Token));
        Assert.Equal($"Domain not found: no domain with matching id {first.Pid}", gone.Message);
    }

    [Fact]
    public async Task Asking_for_one_domain_connects_to_no_other()
    {
        ChildProcess wanted = await StartQemuAsync(["-name", "wanted", "-qmp", $"unix:{_directory.File("1.sock")},server=on,wait=off"]);
        _ = await StartQemuAsync(["-name", "other", "-qmp", $"unix:{_directory.File("2.sock")},server=on,wait=off"]);
        await using Connection connection = await OpenAsync();
        await Deadline.UntilAsync(Deadline.Default, "the domain", async token =>
        {
            try
            {
                Domain domain = await connection.LookupByNameAsync("wanted", token);
                return domain.Id == wanted.Pid && (await domain.GetMemoryStatsAsync(cancellationToken: token)).ActualKiB is not null;
            }
            catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
            {
                return false; // Its process does not bear that name yet.
            }
        }, Token);
        Assert.True(UnixSocketTable.IsHeld(_directory.File("1.sock")));
        Assert.False(UnixSocketTable.IsHeld(_directory.File("2.sock")));
    }

    [Fact]
    public async Task A_process_that_is_only_called_qemu_is_refused_with_the_reason()
    {
        ChildProcess pretender = await ChildProcess.StartAsync(
            "bash", ["-c", "exec -a qemu-system-x86_64 sleep 300"]);
        _started.Add(pretender);
        await using Connection connection = await OpenAsync();
        Domain domain = await UntilAsync(connection, pretender, _ => ValueTask.FromResult(true));
        await Deadline.UntilAsync(Deadline.Default, "the refusal", async token =>
            (await domain.GetMemoryStatsAsync(cancellationToken: token)).Detail?.Contains("but runs", StringComparison.Ordinal) == true, Token);
        Assert.Equal($"qemu-{pretender.Pid}", domain.Name);
        Assert.Equal(MemoryStatsReason.NotTrusted, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
        Assert.Equal(DomainState.NoState, (await domain.GetStateAsync(Token)).State);
    }

    [Fact]
    public async Task Of_another_users_process_nothing_is_believed_unless_the_user_is_trusted()
    {
        string open = OpenDirectory();
        Guid uuid = Guid.NewGuid();
        ChildProcess theirs = await StartQemuAsync(
            ["-name", "victim", "-uuid", $"{uuid}", "-qmp", $"unix:{open}/m.sock,server=on,wait=off"], Nobody);
        await using (Connection connection = await OpenAsync())
        {
            Domain domain = await UntilAsync(connection, theirs, _ => ValueTask.FromResult(true));
            Assert.Equal($"qemu-{theirs.Pid}", domain.Name);
            Assert.NotEqual(uuid, domain.Uuid);
            MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
            Assert.Equal(MemoryStatsReason.NotTrusted, sample.Reason);
            Assert.Contains($"user {Nobody}", sample.Detail, StringComparison.Ordinal);
            LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
                async () => await domain.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token));
            Assert.Equal((ErrorCode.SystemError, ErrorOrigin.Qemu, 13), (error.Code, error.Origin, error.Int1));
        }

        await using Connection trusting = await OpenAsync(new ConnectionOptions { TrustedUserIds = [Nobody] });
        Domain trusted = await UntilAnsweringAsync(trusting, theirs);
        Assert.Equal(("victim", uuid), (trusted.Name, trusted.Uuid));
    }

    [Fact]
    public async Task A_socket_that_another_user_took_is_told_nothing()
    {
        string path = $"{OpenDirectory()}/m.sock";
        ChildProcess ours = await StartQemuAsync(["-name", "ours", "-qmp", $"unix:{path},server=on,wait=off"]);
        await WaitForSocketAsync(path);
        File.Delete(path);
        _ = await StartQemuAsync(["-name", "theirs", "-qmp", $"unix:{path},server=on,wait=off"], Nobody);
        await WaitForSocketAsync(path);
        await using Connection connection = await OpenAsync();
        MemoryStats? sample = null;
        Domain domain = await UntilAsync(connection, ours, async found =>
            (sample = await found.GetMemoryStatsAsync(cancellationToken: Token)).Reason == MemoryStatsReason.PermissionDenied);
        Assert.Contains($"user {Nobody} listens there", sample!.Detail, StringComparison.Ordinal);
        Assert.Equal("ours", domain.Name);
    }

    [Fact]
    public async Task Who_made_a_socket_and_gave_it_away_is_not_who_serves_it()
    {
        // A program called QEMU listens, and another one, which inherits the socket, accepts.
        const string code = "import os, socket, sys, time\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(1)\n"
            + "if os.fork():\n    s.close()\n    time.sleep(300)\n    os._exit(0)\n"
            + "c = s.accept()[0]\nf = c.makefile('rw')\n"
            + "f.write('{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0}},\"capabilities\":[]}}\\n')\nf.flush()\n"
            + "answer = b'{\"return\":{}}\\n'\nwhile True:\n    asked = c.recv(65536)\n    if not asked:\n        os._exit(0)\n    for _ in range(asked.count(b'execute')):\n        c.sendall(answer)\n"
            + "        answer = b'{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\\n'\n";
        string program = _directory.File("qemu-system-x86_64"), path = _directory.File("m.sock");
        File.Copy(File.ResolveLinkTarget("/usr/bin/python3", returnFinalTarget: true)?.FullName ?? "/usr/bin/python3", program);
        await using ChildProcess creator = await ChildProcess.StartAsync(program, ["-c", code, path]);
        await WaitForSocketAsync(path);
        await using (Connection connection = await Connection.OpenAsync($"qmp://{path}?timeout=500ms", cancellationToken: Token))
        {
            Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
            Assert.NotEqual(creator.Pid, domain.Id);
            _ = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
        }

        Assert.False(creator.HasExited);
    }

    [Fact]
    public async Task A_path_that_leads_to_a_fifo_hangs_nobody()
    {
        string path = _directory.File("m.sock");
        ChildProcess qemu = await StartQemuAsync(["-name", "fifo", "-qmp", $"unix:{path},server=on,wait=off"]);
        await WaitForSocketAsync(path);
        File.Delete(path);
        CommandResult made = await ChildProcess.RunAsync("mkfifo", [path], cancellationToken: Token);
        Assert.Equal(0, made.ExitCode);
        await using Connection connection = await OpenAsync();
        Domain domain = await UntilAsync(connection, qemu, _ => ValueTask.FromResult(true));
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
            async () => await domain.FillMemoryStatsAsync(new MemoryStat[13], cancellationToken: Token));
        Assert.Equal(ErrorCode.SystemError, error.Code);
        Assert.Equal(DomainState.NoState, (await domain.GetStateAsync(Token)).State);
    }

    [Fact]
    public async Task A_held_monitor_is_left_to_its_owner_over_all_its_reconnects()
    {
        string path = _directory.File("m.sock");
        ChildProcess qemu = await StartQemuAsync(["-name", "held", "-qmp", $"unix:{path},server=on,wait=off"]);
        await WaitForSocketAsync(path);
        OracleMonitor owner = await OracleMonitor.ConnectAsync(path, cancellationToken: Token);
        await using Connection connection = await OpenAsync();
        Domain domain = await UntilAsync(connection, qemu, _ => ValueTask.FromResult(true));
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.Contains($"(process {Environment.ProcessId}, ", sample.Detail, StringComparison.Ordinal);

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task listing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = await connection.GetAllDomainStatsAsync(cancellationToken: Token);
                await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
            }
        }, Token);
        for (int i = 0; i < 20; i++)
        {
            await owner.DisposeAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(30 * (i % 5)), Token);
            owner = await OracleMonitor.ConnectAsync(path, TimeSpan.FromSeconds(5), Token);
        }

        await stop.CancelAsync();
        await listing;
        await owner.DisposeAsync();
    }

    [Fact]
    [Trait("needs", "libvirtd")]
    public async Task A_domain_of_libvirt_is_listed_as_its_and_neither_its_calls_nor_its_restart_are_disturbed()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        string name = await daemon.CreateDomainAsync(DomainXml.WithoutGuest("managed"), Token);
        int pid = daemon.DomainPid(name);
        await using Connection connection = await OpenAsync();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task listing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                Domain domain = await connection.LookupByIdAsync(pid, Token);
                Assert.Equal(MemoryStatsReason.MonitorBusy, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
                await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
            }
        }, Token);
        for (int i = 0; i < 20; i++)
        {
            CommandResult stats = await daemon.VirshAsync(["dommemstat", name], Token);
            Assert.Equal((0, ""), (stats.ExitCode, stats.Errors));
        }

        // While it is down its monitor is free: whoever took it then would keep it waiting when it comes back.
        for (int i = 0; i < 3; i++)
        {
            await daemon.RestartAsync(Token);
            await Deadline.UntilAsync(Deadline.Default, "the domain in the new libvirtd", async token =>
                (await daemon.VirshAsync(["domstate", name], token)).Output.StartsWith("running", StringComparison.Ordinal), Token);
            CommandResult stats = await daemon.VirshAsync(["dommemstat", name], Token);
            Assert.Equal((0, ""), (stats.ExitCode, stats.Errors));
            Assert.False(listing.IsCompleted);
        }

        await stop.CancelAsync();
        await listing;
        Domain listed = await connection.LookupByIdAsync(pid, Token);
        Assert.Equal("managed", listed.Name);
        MemoryStats sample = await listed.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Contains("belongs to libvirt", sample.Detail, StringComparison.Ordinal);
        Assert.NotNull(sample.RssKiB);
    }

    [Fact]
    public async Task A_directory_of_monitors_is_consent_to_use_them_all()
    {
        ChildProcess first = await StartQemuAsync(["-name", "one", "-qmp", $"unix:{_directory.File("1.sock")},server=on,wait=off"]);
        ChildProcess second = await StartQemuAsync(["-name", "two", "-qmp", $"unix:{_directory.File("2.sock")},server=on,wait=off"]);
        await WaitForSocketAsync(_directory.File("1.sock"));
        await WaitForSocketAsync(_directory.File("2.sock"));
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{_directory.Path}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token);
        Assert.Equal(["one", "two"], domains.Select(domain => domain.Name).Order());
        Assert.All(domains, domain => Assert.Contains(domain.Id!.Value, (int[])[first.Pid, second.Pid]));
        Assert.Equal(2, (await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: Token)).Count);
        second.Kill();
        await second.WaitForExitAsync(Token);
        await Deadline.UntilAsync(Deadline.Default, "one domain",
            async token => (await connection.ListDomainsAsync(cancellationToken: token)).Count == 1, Token);
    }

    private async Task<ChildProcess> StartQemuAsync(string[] arguments, uint? uid = null)
    {
        string[] asUser = uid is null
            ? []
            : ["setpriv", $"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--pdeathsig", "KILL"];
        string[] command = [.. asUser, "qemu-system-x86_64", .. Machine, .. arguments];
        ChildProcess qemu = await ChildProcess.StartAsync("env", ["-C", _directory.Path, .. command]);
        _started.Add(qemu);
        return qemu;
    }

    // A directory that other users may enter and write to.
    private string OpenDirectory()
    {
        const UnixFileMode all = (UnixFileMode)0x1FF;
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        File.SetUnixFileMode(_directory.Path, all);
        string path = Directory.CreateDirectory(_directory.File("open")).FullName;
        File.SetUnixFileMode(path, all);
        return path;
    }

    private static ValueTask<Connection> OpenAsync(ConnectionOptions? options = null) =>
        Connection.OpenAsync("qmp:///", (options ?? new ConnectionOptions()) with { Timeout = TimeSpan.FromSeconds(20) }, Token);

    private static Task WaitForSocketAsync(string path) => Deadline.UntilAsync(
        Deadline.Default, $"socket {path}", _ => Task.FromResult(UnixSocket.IsListening(path)), Token);

    private static Task<Domain> UntilAnsweringAsync(Connection connection, ChildProcess qemu) =>
        UntilAsync(connection, qemu, async domain => (await domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB is not null);

    private static async Task<Domain> UntilAsync(Connection connection, ChildProcess qemu, Func<Domain, ValueTask<bool>> isReached)
    {
        Domain? found = null;
        await Deadline.UntilAsync(Deadline.Default, $"domain {qemu.Pid}", async token =>
        {
            found = (await connection.ListDomainsAsync(cancellationToken: token)).FirstOrDefault(domain => domain.Id == qemu.Pid);
            return found is not null && await isReached(found);
        }, Token);
        return found!;
    }
}
