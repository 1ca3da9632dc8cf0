using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The shell, as somebody at a terminal uses it.</summary>
[Trait("needs", "tmux")]
public sealed class ShellTests
{
    private const string Prompt = "\nballast # ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commands_options_names_and_values_are_completed()
    {
        await using Terminal terminal = await StartAsync("-c test:///default");
        await terminal.TypeAsync("ur");
        await terminal.PressAsync("Tab");
        await terminal.WaitForEndAsync(Prompt + "uri");
        await terminal.PressAsync("Enter");
        await terminal.WaitForEndAsync("ballast # uri\ntest:///default\n" + Prompt);
        await terminal.TypeAsync("domstate t");
        await terminal.PressAsync("Tab");
        await terminal.TypeAsync("--rea");
        await terminal.PressAsync("Tab", "Enter");
        await terminal.WaitForEndAsync("ballast # domstate test --reason\nrunning (unknown)\n" + Prompt);
        await terminal.TypeAsync("shutdown test --mode ");
        await terminal.PressAsync("Tab");
        await terminal.WaitForEndAsync("\nacpi      agent     initctl   paravirt  signal\nballast # shutdown test --mode");
        await terminal.TypeAsync("si");
        await terminal.PressAsync("Tab");
        await terminal.WaitForEndAsync("ballast # shutdown test --mode signal");
    }

    [Fact]
    public async Task Lines_are_kept_between_runs_for_their_user_only()
    {
        await using Terminal terminal = await StartAsync("-c test:///default");
        await terminal.EnterAsync("domname 1");
        await terminal.WaitForEndAsync("test\n" + Prompt);
        await terminal.EnterAsync("domid test");
        await terminal.WaitForEndAsync("1\n" + Prompt);
        await terminal.PressAsync("Up", "Up");
        await terminal.WaitForEndAsync(Prompt + "domname 1");
        await terminal.PressAsync("C-c");
        await terminal.WaitForEndAsync("domname 1^C" + Prompt);
        await terminal.PressAsync("C-d");
        await terminal.WaitForEndAsync("\n$ ");
        await terminal.EnterAsync("clear; stty -a | grep -ow 'icanon\\|echo'; ballast -c test:///default");
        await terminal.WaitForEndAsync(Prompt);
        Assert.StartsWith("icanon\necho\n", await terminal.ScreenAsync(), StringComparison.Ordinal);
        await terminal.PressAsync("Up");
        await terminal.WaitForEndAsync(Prompt + "domid test");
        await terminal.PressAsync("C-u", "C-r");
        await terminal.TypeAsync("domna");
        await terminal.PressAsync("Enter");
        await terminal.WaitForEndAsync("test\n" + Prompt);

        string file = Path.Combine(terminal.Home, ".local/state/ballast/history");
        Assert.Equal(["domname 1", "domid test", "domname 1"], await File.ReadAllLinesAsync(file, Token));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsLinux() ? File.GetUnixFileMode(file) : default);
    }

    [Fact]
    public async Task Control_C_ends_a_command_that_is_not_answered_and_control_D_the_shell()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        await using Terminal terminal = await StartAsync($"-c 'test+unix:///default?socket={daemon.SocketPath}'");
        ChildProcess.Freeze(daemon.Pid);
        await terminal.EnterAsync("list");
        await terminal.WaitForEndAsync(Prompt + "list");
        await terminal.PressAsync("C-c");
        await terminal.WaitForEndAsync("error: interrupted" + Prompt);

        // A name that nobody tells is not waited for long, and not at all after Ctrl-C, which takes the line along if the
        // wait is over already.
        await terminal.TypeAsync("domstate ");
        await terminal.PressAsync("Tab");
        await terminal.PressAsync("C-c");
        await terminal.PressAsync("C-u");
        await terminal.EnterAsync("echo there");
        await terminal.WaitForEndAsync("\nthere" + Prompt);
        ChildProcess.Thaw(daemon.Pid);
        await terminal.EnterAsync("domid test");
        await terminal.WaitForEndAsync("\n1\n" + Prompt);
        await terminal.PressAsync("C-d");
        await terminal.WaitForEndAsync("\n$ ");
        await terminal.EnterAsync("echo status $?");
        await terminal.WaitForAsync("\nstatus 0\n");
    }

    [Fact]
    public async Task A_daemon_that_dies_is_told_and_connected_again()
    {
        await using Terminal terminal = await Terminal.StartAsync();
        string socket = Path.Combine(terminal.Home, "s"), uri = $"test+unix:///default?socket={socket}";
        await using (ChildProcess first = await StartDaemonAsync(terminal, socket))
        {
            await terminal.EnterAsync($"ballast -r -c '{uri}'");
            await terminal.WaitForEndAsync("\nballast > ");
            await terminal.EnterAsync("domid test");
            await terminal.WaitForEndAsync("\n1\n\nballast > ");
            first.Kill();
            await first.WaitForExitAsync(Token);
        }

        await terminal.EnterAsync("domid test");
        string screen = await terminal.WaitForEndAsync("\nballast > ");
        screen = await terminal.WaitForAsync("error: Failed to reconnect to the hypervisor\n");
        Assert.Contains("error: Disconnected from test+unix:///default", screen, StringComparison.Ordinal);
        await using ChildProcess second = await StartDaemonAsync(terminal, socket);
        await terminal.EnterAsync("setmem test 1024");
        screen = await terminal.WaitForAsync("read only access prevents virDomainSetMemoryFlags");
        Assert.Contains("error: Reconnected to the hypervisor\n", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_in_any_writing_are_typed_completed_and_edited()
    {
        const string host =
            "<node><domain type='test'><name>gäst 漢字</name><memory>1024</memory><os><type>hvm</type></os></domain></node>";
        await using Terminal terminal = await Terminal.StartAsync();
        string file = Path.Combine(terminal.Home, "host.xml");
        await File.WriteAllTextAsync(file, host, Token);
        await terminal.EnterAsync($"ballast -c test://{file}");
        await terminal.WaitForEndAsync(Prompt);
        await terminal.TypeAsync("domstate gä");
        await terminal.PressAsync("Tab");
        await terminal.WaitForEndAsync(Prompt + @"domstate gäst\ 漢字");
        await terminal.PressAsync("Enter");
        await terminal.WaitForEndAsync("\nrunning\n" + Prompt);
        await terminal.TypeAsync("echo 漢字é");
        await terminal.PressAsync("Left", "Left", "BSpace");
        await terminal.TypeAsync("x");
        await terminal.PressAsync("Enter");
        await terminal.WaitForEndAsync("echo x字é\nx字é" + Prompt);
    }

    [Fact]
    public async Task A_terminal_of_another_size_and_a_shell_that_was_stopped_go_on()
    {
        await using Terminal terminal = await StartAsync("-c test:///default");
        await terminal.TypeAsync("echo first second third fourth fifth sixth seventh");
        await terminal.WaitForEndAsync("seventh");
        await terminal.ResizeAsync(60, 20);
        await terminal.TypeAsync(" eighth ninth");
        await terminal.WaitForEndAsync("ninth");
        await terminal.PressAsync("C-z");
        await terminal.WaitForEndAsync("\n$ ");
        await terminal.EnterAsync("fg");
        await terminal.WaitForEndAsync("ninth");
        await terminal.PressAsync("Enter");
        await terminal.WaitForAsync("\nfirst second third fourth fifth sixth seventh eighth ninth");
    }

    [Fact]
    public async Task Where_lines_cannot_be_edited_they_are_read_all_the_same()
    {
        await using Terminal terminal = await Terminal.StartAsync();
        await terminal.EnterAsync("TERM=dumb ballast -c test:///default");
        await terminal.WaitForEndAsync(Prompt);
        await terminal.EnterAsync("domid test");
        await terminal.WaitForEndAsync("ballast # domid test\n1\n" + Prompt);
        await terminal.TypeAsync("nonsense");
        await terminal.PressAsync("C-c");
        await terminal.WaitForEndAsync("nonsense^C" + Prompt);
        await terminal.PressAsync("C-d");
        await terminal.WaitForEndAsync("\n$ ");
    }

    [Fact]
    public async Task Input_that_cannot_be_read_is_an_error_and_one_that_is_closed_the_end()
    {
        CommandResult result = await ChildProcess.RunAsync("bash", ["-c", "\"$0\" -q -c test:///default </", Cli.CliRun.Program], cancellationToken: Token);
        Assert.Equal((1, "error: cannot read standard input: Is a directory\n"), (result.ExitCode, result.Errors));
        result = await ChildProcess.RunAsync("bash", ["-c", "\"$0\" -q -c test:///default </dev/null", Cli.CliRun.Program], cancellationToken: Token);
        Assert.Equal(new CommandResult(0, "ballast # \n", ""), result);
    }

    [Fact]
    public async Task What_goes_to_a_daemon_is_logged_and_shown()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string log = directory.File("log"), uri = $"test+unix:///default?socket={daemon.SocketPath}";
        CommandResult result = await ChildProcess.RunAsync(
            Cli.CliRun.Program, ["-l", log, "-k", "3", "-K", "2", "-c", uri, "domid test; domid nosuch"], cancellationToken: Token);
        Assert.Equal((1, "1\n\n\n"), (result.ExitCode, result.Output));
        string text = await File.ReadAllTextAsync(log, Token);
        Assert.Matches(@"(?m)^\[.*\] DEBUG call ConnectOpen: answered \(\d+\.\d{3} ms\)$", text);
        Assert.Matches(@"(?m)^\[.*\] DEBUG call DomainLookupByName: failed: Domain not found.* \(\d+\.\d{3} ms\)$", text);
        Assert.Contains("ERROR failed to get domain 'nosuch'\n", text, StringComparison.Ordinal);

        result = await ChildProcess.RunAsync(Cli.CliRun.Program, ["-d", "0", "-c", uri, "domid test"], cancellationToken: Token);
        Assert.Equal((0, "1\n\n"), (result.ExitCode, result.Output));
        Assert.Contains("\nDEBUG call DomainLookupByName: answered", result.Errors, StringComparison.Ordinal);
        result = await ChildProcess.RunAsync(Cli.CliRun.Program, ["-d", "1", "-c", uri, "domid test"], cancellationToken: Token);
        Assert.Equal("INFO commands: \"domid test\"\n", result.Errors);
    }

    private static async Task<Terminal> StartAsync(string arguments)
    {
        Terminal terminal = await Terminal.StartAsync();
        await terminal.EnterAsync($"ballast {arguments}");
        await terminal.WaitForEndAsync(Prompt);
        return terminal;
    }

    private static async Task<ChildProcess> StartDaemonAsync(Terminal terminal, string socket)
    {
        string config = Path.Combine(terminal.Home, "none.conf");
        await File.WriteAllTextAsync(config, "", Token);
        ChildProcess daemon = await ChildProcess.StartAsync(BallastDaemon.Program, ["--config", config, "--socket", socket, "--qmp", Path.Combine(terminal.Home, "none")]);
        await Deadline.UntilAsync(Deadline.Default, "sockets of ballastd", _ => Task.FromResult(daemon.Errors.Contains("listens on", StringComparison.Ordinal)), Token);
        return daemon;
    }
}
