using Ballast.Guests;
using Ballast.Tests.Telemetry;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What an ordinary user sees of QEMUs that are not its own: all that it may.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
[Collection(ExclusiveCollection.Name)]
public sealed class OtherUsersTests : IdentityTest
{
    private const uint Nobody = 65534;

    private static readonly string[] AsNobody = ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"];

    private string Socket => Root.File("open/q.sock");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Roots_QEMU_whose_socket_is_open_to_all_is_read_and_changed(bool isRelative)
    {
        PlainQemu qemu = await StartRootsAsync(isRelative ? "q.sock" : Socket);
        await OpenSocketAsync();
        CommandResult list = await AskAsync([], "list", "--name");
        Assert.Equal((0, ""), (list.ExitCode, list.Errors));
        Assert.Contains("theirs", list.Output, StringComparison.Ordinal);
        CommandResult stats = await AskAsync([], "dommemstat", "theirs");
        if (isRelative)
        {
            // Its working directory is hidden too, and the reason says that.
            Assert.Contains("this user may not know in which directory QEMU was started; run as root, ask ballastd", stats.Errors, StringComparison.Ordinal);
            return;
        }

        Assert.Equal((0, ""), (stats.ExitCode, stats.Errors));
        List<KeyValuePair<string, ulong>> values = BallastProgram.ParseStats(stats.Output);
        Assert.Equal(qemu.MemoryKib, values.Single(value => value.Key == "actual").Value);
        Assert.InRange(values.Single(value => value.Key == "rss").Value, 1000UL, 10_000_000UL);
        Assert.Equal((0, ""), await ResultAsync("setmem", "theirs", "40000", "--force"));
        Assert.Equal(40000UL, await qemu.TargetKibAsync(Token));
    }

    [Fact]
    public async Task Without_the_right_to_its_socket_the_reason_is_that_and_its_resident_memory_is_known()
    {
        PlainQemu qemu = await StartRootsAsync(Socket);
        CommandResult list = await AskAsync([], "list", "--json");
        Assert.Contains("\"theirs\"", list.Output, StringComparison.Ordinal);
        CommandResult stats = await AskAsync([], "dommemstat", "theirs", "--json");
        Assert.Contains("permission denied", stats.Output, StringComparison.Ordinal);
        Assert.Matches("\"rss\": ?[0-9]{4}", stats.Output);
        CommandResult plain = await AskAsync([], "dommemstat", "theirs");
        Assert.Equal(1, plain.ExitCode);
        Assert.Contains("Permission denied", plain.Errors, StringComparison.Ordinal);
        Assert.Equal(qemu.MemoryKib, await qemu.TargetKibAsync(Token));
    }

    [Fact]
    public async Task Where_proc_hides_other_users_processes_nothing_fails_and_a_named_socket_is_asked()
    {
        PlainQemu qemu = await StartRootsAsync(Socket);
        await OpenSocketAsync();
        string[] hidden = ["unshare", "--mount", "sh", "-e", "-c", "mount -t proc -o hidepid=2 proc /proc; exec \"$@\"", "sh"];
        CommandResult list = await AskAsync(hidden, "list", "--name");
        Assert.Equal((0, ""), (list.ExitCode, list.Output.Trim()));
        Assert.Contains("only your own QEMUs are listed", list.Errors, StringComparison.Ordinal);
        CommandResult named = await ChildProcess.RunAsync(
            hidden[0], [.. hidden[1..], .. AsNobody, Program(), "-c", $"qmp://{Socket}", "dommemstat", "theirs"], cancellationToken: Token);
        Assert.Equal((0, ""), (named.ExitCode, named.Errors));
        Assert.Contains($"actual {qemu.MemoryKib}", named.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_cannot_see_who_is_served_leaves_a_named_monitors_queue_at_once(bool isNobody)
    {
        PlainQemu qemu = await StartRootsAsync(Socket);
        await OpenSocketAsync();
        await using ChildProcess holder = await ChildProcess.StartAsync(
            "unshare", ["--net", "/usr/bin/python3", "-c", "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(1),file=sys.stderr,flush=True); time.sleep(300)", Socket]);
        await Deadline.UntilAsync(Deadline.Default, "owner", _ => Task.FromResult(holder.Errors.Length > 0), Token);
        string[] through = isNobody ? AsNobody : ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"];
        string[] all = [.. through, Program(), "-c", $"qmp://{Socket}", "list"];
        CommandResult result = await ChildProcess.RunAsync(all[0], all[1..], cancellationToken: Token);
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(@"sent no greeting within 0\.25 s|is held by", result.Errors);
        Assert.True(qemu.IsAlive);
    }

    [Fact]
    public async Task Root_who_may_not_trace_processes_reaches_its_own()
    {
        PlainQemu qemu = await StartRootsAsync(Socket);
        string[] untraced = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", BallastProgram.Path, "-c"];
        ulong size = 40000;
        foreach (string where in (string[])[Host, $"qmp://{Root.File("open")}", $"qmp://{Socket}"])
        {
            CommandResult result = await ChildProcess.RunAsync(untraced[0], [.. untraced[1..], where, "setmem", "theirs", $"{size}", "--force"], cancellationToken: Token);
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            Assert.Equal(size, await qemu.TargetKibAsync(Token));
            size += 4;
        }
    }

    [Fact]
    public async Task Where_the_first_monitor_refuses_the_user_the_next_one_is_used()
    {
        OpenToAll(Root.Path);
        string directory = MakeDirectory("open");
        OpenToAll(directory);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Name = "two", Uuid = Guid.NewGuid(), Arguments = [.. Monitor($"{directory}/a"), .. Monitor($"{directory}/b")] });
        OpenToAll($"{directory}/b");
        CommandResult stats = await AskAsync([], "dommemstat", "two");
        Assert.Equal((0, ""), (stats.ExitCode, stats.Errors));
        Assert.Contains($"actual {qemu.MemoryKib}", stats.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_QEMU_that_gave_up_root_after_it_listened_is_trusted_as_its_user_is()
    {
        OpenToAll(Root.Path);
        string directory = MakeDirectory("open");
        OpenToAll(directory);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "lowered",
            Uuid = Guid.NewGuid(),
            Arguments = [.. Monitor(Socket), .. RunWith("user", "nobody")],
        });
        using HeardLog log = new();
        await using (Connection connection = await Connection.OpenAsync(Host, new ConnectionOptions { LoggerFactory = log }, Token))
        {
            Domain domain = await DomainOfAsync(connection, qemu);
            MemoryStats sample = await SampleAsync(domain);
            Assert.Equal(MemoryStatsReason.NotTrusted, sample.Reason);
            Assert.StartsWith($"QEMU process {qemu.Pid} is not asked: ", await log.HearAsync(110), StringComparison.Ordinal);
            Assert.Contains($"user {Nobody}", sample.Detail, StringComparison.Ordinal);
        }

        await using (Connection trusting = await OpenAsync(trusted: Nobody))
            await IsReachedAsync(await trusting.LookupByNameAsync("lowered", Token), qemu);

        string file = Root.File("ballastd.conf");
        await File.WriteAllTextAsync(file, $"trusted_users = [\"{Nobody}\"]\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", file);
        await using Connection served = await OpenAsync(daemon.Uri);
        await IsReachedAsync(await served.LookupByNameAsync("lowered", Token), qemu);
    }

    private async Task<PlainQemu> StartRootsAsync(string socket)
    {
        OpenToAll(Root.Path);
        string directory = MakeDirectory("open");
        OpenToAll(directory);
        return await StartAsync(new PlainQemuOptions
        {
            Name = "theirs",
            Uuid = Guid.NewGuid(),
            Arguments = Monitor(socket),
            Through = ["env", "-C", directory],
        });
    }

    private Task OpenSocketAsync()
    {
        OpenToAll(Socket);
        return Task.CompletedTask;
    }

    private async Task<(int ExitCode, string Errors)> ResultAsync(params string[] command)
    {
        CommandResult result = await AskAsync([], command);
        return (result.ExitCode, result.Errors);
    }

    private Task<CommandResult> AskAsync(string[] through, params string[] command)
    {
        string[] all = [.. through, .. AsNobody, Program(), "-c", Host, .. command];
        return ChildProcess.RunAsync(all[0], all[1..], cancellationToken: Token);
    }

    // Where nobody reaches it, whatever the checkout's directory is.
    private string Program()
    {
        string copy = Root.File("ballast");
        if (!File.Exists(copy))
        {
            File.Copy(BallastProgram.Path, copy);
            OpenToAll(copy);
        }

        return copy;
    }
}
