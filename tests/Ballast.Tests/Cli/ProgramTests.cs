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

    [Fact]
    public async Task A_full_disk_is_a_failure_with_words()
    {
        Outcome outcome = await ShellAsync("\"$P\" -c test:///default uri >/dev/full");
        Assert.Equal(new Outcome(1, "", "error: cannot write to standard output: No space left on device\n"), outcome);
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
