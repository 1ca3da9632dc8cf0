using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>
/// Where /proc is another PID namespace's than the program's, its numbers are no process ids: the same number is somebody else, who has
/// nothing to do with the guest.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class OtherProcessNamespaceTests : IdentityTest
{
    // In a PID namespace of its own, but with the host's /proc: a bystander with the number that /proc shows for QEMU.
    private const string Inside =
        """
        echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid
        sleep 300 & bystander=$!
        echo "bystander $bystander"
        "$2" -c "$3" "${@:4}"
        echo "status $?"
        kill -0 $bystander && echo "it lives"
        kill -9 $bystander
        """;

    // QEMU gets the number of a process outside.
    private const string Numbered = "echo $(($0 - 1)) > /proc/sys/kernel/ns_last_pid; \"$@\" & echo \"inside $!\" >&2; wait";

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    [InlineData("socket")]
    public async Task What_ends_a_guest_ends_no_process_that_has_its_number(string where)
    {
        PlainQemu qemu = await StartAsync("vm", Socket, Guid.NewGuid());
        CommandResult result = await RunInsideAsync(qemu, Uri(where), "destroy", "vm");
        Assert.True(IsAllRight(result, qemu, status: 0), $"{result.Output} {result.Errors}");
        await qemu.WaitForDeathAsync(Token);
    }

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    public async Task One_that_is_stuck_gets_no_signal_from_there_and_the_reason_says_why(string where)
    {
        PlainQemu qemu = await StartAsync("vm", Socket, Guid.NewGuid());
        await qemu.StopAsync(Token);
        CommandResult result = await RunInsideAsync(qemu, Uri(where), "destroy", "vm");
        Assert.True(IsAllRight(result, qemu, status: 1), $"{result.Output} {result.Errors}");
        Assert.Contains("not in this process's PID namespace, so it cannot be signalled", result.Errors, StringComparison.Ordinal);
        qemu.Continue();
        Assert.Equal(qemu.MemoryKib, await qemu.TargetKibAsync(Token));
    }

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    public async Task All_else_works_with_the_hosts_proc(string where)
    {
        PlainQemu qemu = await StartAsync("vm", Socket, Guid.NewGuid());
        Assert.Contains($" {qemu.Pid} ", (await RunInsideAsync(qemu, Uri(where), "list")).Output, StringComparison.Ordinal);
        CommandResult result = await RunInsideAsync(qemu, Uri(where), "setmem", "vm", "40000", "--force");
        Assert.True(IsAllRight(result, qemu, status: 0), $"{result.Output} {result.Errors}");
        Assert.Equal(40000UL, await qemu.TargetKibAsync(Token));
        result = await RunInsideAsync(qemu, Uri(where), "dommemstat", "vm");
        Assert.Matches("rss [0-9]{4}", result.Output);
    }

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    [InlineData("socket")]
    public async Task With_a_containers_proc_nobody_outside_is_taken_for_the_QEMU_within(string where)
    {
        await using ChildProcess bystander = await ChildProcess.StartAsync("sleep", ["300"]);
        string directory = Path.GetDirectoryName(Socket)!;
        await using ChildProcess container = await ChildProcess.StartAsync(
            "unshare",
            ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "sh", "-c", Numbered, $"{bystander.Pid}",
            "qemu-system-x86_64", "-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-m", "64", "-nodefaults", "-display", "none",
            "-name", "within", .. Monitor(Socket)]);
        await ListensAsync(Socket);
        Assert.Contains($"inside {bystander.Pid}", container.Errors, StringComparison.Ordinal);
        string qemu = (await ChildProcess.RunAsync("pgrep", ["-f", $"^qemu-system-x86_64 .*{directory}/"], cancellationToken: Token)).Output.Trim();

        string[] enter = ["-t", qemu, "-m", BallastProgram.Path, "-c", Uri(where)];
        CommandResult list = await ChildProcess.RunAsync("nsenter", [.. enter, "list"], cancellationToken: Token);
        CommandResult result = await ChildProcess.RunAsync("nsenter", [.. enter, "destroy", "within"], cancellationToken: Token);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("/proc does not show this process", result.Errors, StringComparison.Ordinal);
        if (where == Host)
            Assert.Contains("within", list.Output, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
        Assert.False(bystander.HasExited);
        Assert.True(Directory.Exists($"/proc/{qemu}"));
    }

    [Fact]
    public async Task Without_proc_no_empty_list_is_shown()
    {
        PlainQemu qemu = await StartAsync("vm", Socket, Guid.NewGuid());
        foreach (string where in (string[])[Host, "directory"])
        {
            CommandResult list = await ChildProcess.RunAsync(
                "unshare", ["--mount", "sh", "-c", "umount -l /proc && exec \"$@\"", "sh", BallastProgram.Path, "-c", Uri(where), "list"], cancellationToken: Token);
            Assert.Equal(1, list.ExitCode);
            Assert.Contains("mount -t proc proc /proc", list.Errors, StringComparison.Ordinal);
        }

        Assert.True(qemu.IsAlive);
    }

    [Fact]
    public async Task From_a_neighbouring_namespace_no_guest_hides_another_and_no_shared_id_leads_to_one()
    {
        _ = await StartAsync(new PlainQemuOptions
        {
            Name = "one",
            Uuid = Guid.NewGuid(),
            Arguments = [.. Monitor(Socket), .. Monitor(Root.File("x/second.sock"))],
        });
        Guid shared = Guid.NewGuid();
        PlainQemu two = await StartAsync("two", Root.File("x/two.sock"), shared);
        PlainQemu clone = await StartAsync("two", Root.File("x/clone.sock"), shared);
        PlainQemu namesake = await StartAsync("two", Root.File("x/namesake.sock"), Guid.NewGuid());
        string[] apart = ["--pid", "--fork", "--mount", "--mount-proc", BallastProgram.Path, "-c", Uri("directory")];
        CommandResult list = await ChildProcess.RunAsync("unshare", [.. apart, "list", "--name"], cancellationToken: Token);
        string[] names = [.. list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

        // Nobody can tell from there whether one process listens at both sockets of the first, nor who of those that say a name lies.
        Assert.True(names.Length == 5, list.Output + list.Errors);
        Assert.All(names[..2], static name => Assert.Matches("^one@[0-9a-f]{8}$", name));
        Assert.All(names[2..], static name => Assert.Matches("^two@[0-9a-f]{8}$", name));
        Assert.Equal(5, names.Distinct(StringComparer.Ordinal).Count());
        CommandResult found = await ChildProcess.RunAsync("unshare", [.. apart, "dominfo", "0"], cancellationToken: Token);
        Assert.NotEqual(0, found.ExitCode);
        found = await ChildProcess.RunAsync("unshare", [.. apart, "destroy", "0"], cancellationToken: Token);
        Assert.NotEqual(0, found.ExitCode);
        Assert.True(two.IsAlive && clone.IsAlive && namesake.IsAlive);
    }

    [Fact]
    public async Task In_a_container_a_directory_shows_its_QEMUs_though_no_table_shows_who_listens()
    {
        PlainQemu qemu = await StartAsync("vm", Socket, Guid.NewGuid());
        const string bind = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])";
        CommandResult bound = await ChildProcess.RunAsync("/usr/bin/python3", ["-c", bind, Root.File("x/stale")], cancellationToken: Token);
        Assert.Equal(0, bound.ExitCode);
        string[] within = ["--net", "--pid", "--fork", "--mount", "--mount-proc", BallastProgram.Path, "-c", Uri("directory")];
        CommandResult list = await ChildProcess.RunAsync("unshare", [.. within, "list", "--name"], cancellationToken: Token);
        Assert.Equal(("vm", ""), (list.Output.Trim(), list.Errors.Trim()));
        CommandResult set = await ChildProcess.RunAsync("unshare", [.. within, "setmem", "vm", "40000", "--force"], cancellationToken: Token);
        Assert.True(set.ExitCode == 0, set.Errors);
        Assert.Equal(40000UL, await qemu.TargetKibAsync(Token));
    }

    private string Socket => $"{MakeDirectory("x")}/q.sock";

    private string Uri(string where) => where switch
    {
        "directory" => $"qmp://{Path.GetDirectoryName(Socket)}",
        "socket" => $"qmp://{Socket}",
        _ => where,
    };

    private static Task<CommandResult> RunInsideAsync(PlainQemu qemu, string uri, params string[] command) => ChildProcess.RunAsync(
        "unshare",
        ["--pid", "--fork", "bash", "-c", Inside, "bash", qemu.Pid.ToString(CultureInfo.InvariantCulture), BallastProgram.Path, uri, .. command],
        cancellationToken: Token);

    private static bool IsAllRight(CommandResult result, PlainQemu qemu, int status)
    {
        string[] lines = result.Output.Split('\n');
        return lines[0] == $"bystander {qemu.Pid}" && lines.Contains($"status {status}") && lines.Contains("it lives");
    }
}
