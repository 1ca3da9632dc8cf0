using System.Diagnostics;
using System.Net.Sockets;

namespace Ballast.Tests.Cli;

/// <summary>The program as a process: what a host inside the tests cannot show.</summary>
public sealed class ProgramTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<Outcome> ShellAsync(string script) => CliRun.ProcessAsync(
        "/bin/bash", ["-c", script], new Dictionary<string, string> { ["P"] = CliRun.Program }, cancellationToken: Token);

    [Fact]
    public async Task It_answers_as_inside_the_tests()
    {
        Outcome outcome = await CliRun.ProcessAsync(CliRun.Program, ["-c", "test:///default", "dommemstat", "test"], cancellationToken: Token);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        Assert.StartsWith("actual 2097152\nswap_in 0\n", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("\nrss 1048576\n\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_left_is_a_silent_failure()
    {
        Outcome outcome = await ShellAsync("exec 3> >(:); wait $!; \"$P\" -c test:///default uri >&3; echo $?");
        Assert.Equal(new Outcome(0, "1\n", ""), outcome);
    }

    [Theory]
    [InlineData("TERM", "143")]
    [InlineData("HUP", "129")]
    public async Task A_reader_that_does_not_read_keeps_nothing_from_ending(string signal, string status)
    {
        Outcome outcome = await ShellAsync(
            $"exec 3>&1; (trap '' PIPE; \"$P\" -c 'test:///fleet?domains=5000' list & p=$!; sleep 1.5; kill -{signal} $p; wait $p; echo $? >&3) 1> >(exec 3>&-; sleep 12 >/dev/null 2>&1)");
        Assert.Equal(new Outcome(0, $"{status}\n", ""), outcome);
    }

    [Fact]
    public async Task A_reader_that_is_slow_gets_everything()
    {
        Outcome outcome = await ShellAsync("\"$P\" -c 'test:///fleet?domains=5000' list | (sleep 1; wc -l); \"$P\" -c 'test:///fleet?domains=5000' list | wc -l");
        string[] lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines[0], lines[1]);
        Assert.InRange(int.Parse(lines[0], System.Globalization.CultureInfo.InvariantCulture), 4000, 6000);
    }

    [Fact]
    public async Task A_full_disk_is_a_failure_with_words()
    {
        Outcome outcome = await ShellAsync("\"$P\" -c test:///default uri >/dev/full");
        Assert.Equal(new Outcome(1, "", "error: cannot write to standard output: No space left on device\n"), outcome);
    }

    // A status of 1 is an answer of theirs.
    [Theory]
    [InlineData("doctor")]
    [InlineData("watch test --count 1")]
    [InlineData("uri; watch test --until used>99% --count 1")]
    public async Task What_could_not_be_told_is_no_answer(string commands)
    {
        Outcome outcome = await ShellAsync($"\"$P\" -c test:///default '{commands}' >/dev/full");
        Assert.Equal(2, outcome.ExitCode);
        Assert.EndsWith("error: cannot write to standard output: No space left on device\n", outcome.Error, StringComparison.Ordinal);
    }

    // .NET's runtime opens its pipe for signals first, and what is closed at the start is the first number that is free.
    [Theory]
    [InlineData("list", ">&- 2>&-", 1)]
    [InlineData("list", "<&- >&-", 1)]
    [InlineData("list", "<&- >&- 2>&-", 1)]
    [InlineData("nosuch", ">&- 2>&-", 1)]
    [InlineData("nosuch", "<&- 2>&-", 1)]
    [InlineData("list", "<&- 2>&-", 0)]
    [InlineData("watch test --count 2 --period 1", "<&- >&-", 2)]
    [InlineData("", "<&-", 0)]
    [InlineData("", "<&- >&- 2>&-", 1)]
    [InlineData("list", "<&- | cat", 0)]
    [InlineData("list", "2>&1 | cat", 0)]
    public async Task A_standard_descriptor_that_is_closed_is_nobody_elses(string command, string redirections, int exitCode)
    {
        Outcome outcome = await ShellAsync($"timeout 30 \"$P\" -c test:///default {command} {redirections}; exit ${{PIPESTATUS[0]}}");
        Assert.Equal(exitCode, outcome.ExitCode);
    }

    [Fact]
    public async Task Errors_and_output_into_one_file_stay_in_order()
    {
        string file = Path.GetTempFileName();
        try
        {
            _ = await ShellAsync($"\"$P\" -c test:///default 'uri; domid 1; uri' >'{file}' 2>&1");
            Assert.Equal(
                "test:///default\n\nerror: failed to get domain '1'\n\ntest:///default\n\n", await File.ReadAllTextAsync(file, Token));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Ctrl_C_ends_the_wait_for_a_silent_monitor()
    {
        string directory = Directory.CreateTempSubdirectory("ballast-").FullName;
        try
        {
            using Socket silent = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            silent.Bind(new UnixDomainSocketEndPoint($"{directory}/qmp"));
            silent.Listen();
            // Tests that run in the background of a shell were told to ignore SIGINT, and so would be their children.
            using Process process = Process.Start(new ProcessStartInfo(
                "env", ["--default-signal=INT", CliRun.Program, "-c", $"qmp://{directory}/qmp?timeout=60s", "list"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            using Socket _ = await silent.AcceptAsync(Token);
            Assert.Equal(0, (await ShellAsync($"kill -INT {process.Id}")).ExitCode);
            await process.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
            Assert.Equal(130, process.ExitCode);
            Assert.Equal("", await process.StandardError.ReadToEndAsync(Token));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
