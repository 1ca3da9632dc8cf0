using System.Text;
using Ballast.Cli;
using Ballast.Guests;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Cli;

public sealed class CommandRunnerTests
{
    private static readonly LibvirtException Refused = LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None, "x");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ConnectionOpener Counting(List<string?> uris, LibvirtException? failure = null) => (uri, options, _) =>
    {
        uris.Add(uri);
        return failure is null ? new(new Connection(new FakeDriver(new FakeDomain("guest", 7)), uri ?? "default", options)) : throw failure;
    };

    private static Task<Outcome> RunAsync(ConnectionOpener open, params string[] arguments) => CliRun.BallastAsync(arguments, open, cancellationToken: Token);

    [Fact]
    public async Task A_mistake_anywhere_in_the_line_runs_nothing()
    {
        List<string?> uris = [];
        Outcome outcome = await RunAsync(Counting(uris), "-c", "x", "uri; bogus");
        Assert.Equal(new Outcome(1, "", "error: unknown command: 'bogus'\n"), outcome);
        Assert.Empty(uris);
    }

    [Fact]
    public async Task One_connection_serves_all_commands()
    {
        List<string?> uris = [];
        Outcome outcome = await RunAsync(Counting(uris), "uri; domname 7; uri");
        Assert.Equal("default\n\nguest\n\ndefault\n\n", outcome.Output);
        Assert.Equal([null], uris);
    }

    [Fact]
    public async Task Help_needs_no_connection_unless_a_URI_is_named()
    {
        List<string?> uris = [];
        Outcome outcome = await RunAsync(Counting(uris, Refused), "help");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(uris);

        outcome = await RunAsync(Counting(uris, Refused), "-c", "y", "help");
        Assert.Equal(
            new Outcome(1, "", "error: failed to connect to the hypervisor\nerror: no connection driver available for x\n"
                + "hint: a host is named as in qemu+ssh://y/system; this host's daemon is qemu:///system\n"), outcome);
        Assert.Equal(["y"], uris);
    }

    [Fact]
    public async Task Every_command_tries_to_connect_again()
    {
        List<string?> uris = [];
        Outcome outcome = await RunAsync(Counting(uris, Refused), "uri; uri");
        Assert.Equal((1, "\n\n", 2), (outcome.ExitCode, outcome.Output, uris.Count));
    }

    [Theory]
    [InlineData("a", null, "a")]
    [InlineData("", null, null)]
    [InlineData(null, null, null)]
    [InlineData("a", "b", "b")]
    [InlineData("a", "", null)]
    public async Task The_environment_names_the_URI_where_no_option_does(string? variable, string? option, string? expected)
    {
        List<string?> uris = [];
        Dictionary<string, string> variables = variable is null ? [] : new() { ["VIRSH_DEFAULT_CONNECT_URI"] = variable };
        _ = await CliRun.BallastAsync(option is null ? ["uri"] : ["-c", option, "uri"], Counting(uris), variables, cancellationToken: Token);
        Assert.Equal([expected], uris);
    }

    [Fact]
    public async Task Timing_is_in_milliseconds()
    {
        FakeTimeProvider time = new();
        ConnectionOpener open = (uri, options, _) =>
        {
            time.Advance(TimeSpan.FromMicroseconds(1244));
            return new(new Connection(new FakeDriver(), "fake:///", options));
        };
        Outcome outcome = await CliRun.BallastAsync(["-q", "-t", "uri"], open, time: time, cancellationToken: Token);
        Assert.Equal("fake:///\n\n(Time: 1.244 ms)\n\n", outcome.Output);
    }

    [Fact]
    public async Task The_last_commands_result_is_the_programs()
    {
        FakeDriver driver = new(new FakeDomain("guest", 7));
        Assert.Equal(0, (await CliRun.BallastAsync(driver, "domname 8; domname 7")).ExitCode);
        Assert.Equal(1, (await CliRun.BallastAsync(driver, "domname 7; domname 8")).ExitCode);
    }

    [Fact]
    public async Task Cancelling_ends_with_130_and_no_words()
    {
        using CancellationTokenSource interrupt = new();
        ConnectionOpener open = async (_, _, token) =>
        {
            await interrupt.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            throw new InvalidOperationException();
        };
        Outcome outcome = await CliRun.BallastAsync(["uri"], open, cancellationToken: interrupt.Token);
        Assert.Equal(new Outcome(130, "", ""), outcome);
    }

    [Fact]
    public async Task Output_and_errors_meet_in_their_order()
    {
        using MemoryStream terminal = new();
        CliHost host = new(terminal, terminal) { Open = Counting([]) };
        _ = await CliProgram.RunAsync(["domname 7; domname 8; domname 7"], host, Token);
        Assert.Equal("guest\n\nerror: failed to get domain '8'\n\nguest\n\n", Encoding.UTF8.GetString(terminal.ToArray()));
    }

    [Fact]
    public async Task Without_a_command_it_is_a_shell_over_one_connection()
    {
        List<string?> uris = [];
        Outcome outcome = await CliRun.BallastAsync([], Counting(uris), input: "domname 7\nuri; domname 8\nexit\nuri\n", cancellationToken: Token);
        Assert.Equal((0, "error: failed to get domain '8'\n"), (outcome.ExitCode, outcome.Error));
        Assert.EndsWith("\n\nballast # domname 7\nguest\n\nballast # uri; domname 8\ndefault\n\n\nballast # exit\n\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal([null], uris);
    }

    [Fact]
    public async Task A_shell_without_the_usual_hypervisor_tries_it_again_at_each_command()
    {
        List<string?> uris = [];
        Outcome outcome = await CliRun.BallastAsync([], Counting(uris, Refused), input: "uri\necho a\n", cancellationToken: Token);
        string failure = $"error: failed to connect to the hypervisor\nerror: {Refused.Message}\n";
        Assert.Equal((0, failure + failure), (outcome.ExitCode, outcome.Error));
        Assert.EndsWith("ballast # uri\n\nballast # echo a\na\nballast # \n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal([null, null], uris);

        outcome = await CliRun.BallastAsync(["-c", "x"], Counting(uris, Refused), input: "echo a\n", cancellationToken: Token);
        Assert.Equal(new Outcome(1, "", $"{failure}hint: a host is named as in qemu+ssh://x/system; this host's daemon is qemu:///system\n"), outcome);
    }

    [Fact]
    public async Task What_was_asked_and_every_error_is_in_the_log()
    {
        using PrivateDirectory directory = new();
        string log = directory.File("log");
        Outcome outcome = await CliRun.BallastAsync(["-l", log, "domname 8; domname 7"], Counting([]), cancellationToken: Token);
        Assert.Equal(("\nguest\n\n", "error: failed to get domain '8'\n"), (outcome.Output, outcome.Error));
        _ = await CliRun.BallastAsync(["-l", log, "bogus"], Counting([]), cancellationToken: Token);

        // What monitors are asked meanwhile, in other tests of this process, is there too.
        string[] lines = [.. (await File.ReadAllLinesAsync(log, Token)).Where(line => !line.Contains("] DEBUG ", StringComparison.Ordinal))];
        Assert.Equal(
            ["INFO commands: \"domname 8; domname 7\"", "ERROR failed to get domain '8'", "INFO commands: \"bogus\"", "ERROR unknown command: 'bogus'"],
            lines.Select(line => line[(line.IndexOf(']', StringComparison.Ordinal) + 2)..]));
        Assert.All(lines, line => Assert.Matches($@"^\[\d{{4}}\.\d\d\.\d\d \d\d:\d\d:\d\d\.\d{{3}} ballast {Environment.ProcessId}\] ", line));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsLinux() ? File.GetUnixFileMode(log) : default);
    }

    [Fact]
    public async Task The_version_is_the_assemblys()
    {
        string version = typeof(CliProgram).Assembly.GetName().Version!.ToString(3);
        foreach (string option in new[] { "-v", "--version", "--version=short" })
            Assert.Equal(new Outcome(0, $"ballast {version}\n", ""), await CliRun.BallastAsync(option));
        Assert.StartsWith($"ballast {version}\n", (await CliRun.BallastAsync("-V")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("setmem guest 5 --force", "memory guest 5 Live")]
    [InlineData("setmem guest 1025b --config", "memory guest 2 Config")]
    [InlineData("setmem --kilobytes 7 guest --current --force", "memory guest 7 Current")]
    public async Task Setmem_changes_the_running_domain_unless_told(string line, string change)
    {
        FakeDriver driver = new(new FakeDomain("guest", 7));
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.BallastAsync(driver, line));
        Assert.Equal([change], driver.Changes);
    }

    [Theory]
    [InlineData(ErrorCode.NoSupport, 0)]
    [InlineData(ErrorCode.OperationTimeout, 1)]
    public async Task Dominfo_asks_no_further_where_the_daemon_does_not_answer_in_time(ErrorCode code, int exitCode)
    {
        LibvirtException failure = LibvirtError.Report(code, ErrorOrigin.Rpc, "the reason");
        FakeDriver driver = new(new FakeDomain("guest", 7)) { ManagedSaveFailure = failure };
        Outcome outcome = await CliRun.BallastAsync(driver, "-q", "dominfo", "guest");
        Assert.Equal((exitCode, exitCode == 0 ? "" : $"error: {failure.Message}\n"), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Dominfo_leaves_out_what_the_driver_does_not_know()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(new FakeDomain("guest", 7)), "-q", "dominfo", "guest");
        Assert.Equal(
            """
            Id:             7
            Name:           guest
            UUID:           00000007-0000-0000-0102-030405060705
            State:          running
            CPU(s):         1
            CPU time:       0.2s
            Max memory:     4096 KiB
            Used memory:    2048 KiB
            Persistent:     unknown
            Managed save:   no

            """, outcome.Output);
    }
}
