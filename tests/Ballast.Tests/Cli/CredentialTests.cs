using System.Diagnostics;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>A host whose file lists users asks for a name and a password: ballast and virsh do so alike.</summary>
[Trait("needs", "virsh")]
[Collection(nameof(CliInProcess))]
public sealed class CredentialTests
{
    private const string Users = "<node><auth><user password='secret'>known</user><user>open</user></auth></node>";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("open\n")]
    [InlineData("open")]
    [InlineData("known\nsecret\n")]
    [InlineData("known\nsecret")]
    [InlineData("known\nwrong\n")]
    [InlineData("known\n")]
    [InlineData("nobody\nsecret\n")]
    [InlineData("\n\n")]
    [InlineData("")]
    [Trait("oracle", "libvirt 9.0")] // The test driver of 11.3 refuses the right password too.
    public async Task It_asks_on_standard_output_and_reads_standard_input(string typed)
    {
        using PrivateDirectory directory = new();
        string file = directory.File("users.xml");
        await File.WriteAllTextAsync(file, Users, Token);
        string[] arguments = ["-c", $"test://{file}", "uri"];
        Outcome expected = await RunAsync("virsh", arguments, typed);
        Assert.StartsWith("Enter username for localhost: ", expected.Output, StringComparison.Ordinal);

        string link = directory.File("virsh");
        _ = File.CreateSymbolicLink(link, Path.GetFullPath(CliRun.Program));
        Assert.Equal(expected, await RunAsync(link, arguments, typed));
    }

    [Fact]
    public async Task A_password_is_asked_for_while_the_terminal_hides_what_is_typed()
    {
        using PrivateDirectory directory = new();
        string file = directory.File("users.xml");
        await File.WriteAllTextAsync(file, Users, Token);
        const string Terminal =
            """
            import os, pty, sys, termios
            child, terminal = pty.fork()
            if child == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            def read_to(end):
                seen = b''
                while not seen.endswith(end):
                    seen += os.read(terminal, 1)
                return seen
            def echo(): return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
            read_to(b'localhost: '); print(echo())
            os.write(terminal, b'known\n'); read_to(b"password for localhost: ")
            print(echo())
            os.write(terminal, b'secret\n')
            print(b'secret' in read_to(b'users.xml')); print(echo())
            os.waitpid(child, 0)
            """;
        ProcessStartInfo start = new("/usr/bin/python3", ["-c", Terminal, CliRun.Program, "-c", $"test://{file}", "uri"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string seen = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.Equal("True\nFalse\nFalse\nTrue\n", seen);
    }

    [Theory]
    [InlineData("Ctrl-C")]
    [InlineData("SIGTERM")]
    [InlineData("SIGHUP")]
    public async Task A_question_can_be_ended_and_leaves_the_terminal_as_it_was(string end)
    {
        using PrivateDirectory directory = new();
        string file = directory.File("users.xml");
        await File.WriteAllTextAsync(file, Users, Token);
        const string Terminal =
            """
            import os, pty, signal, sys, termios, time
            end = sys.argv[1]
            child, terminal = pty.fork()
            if child == 0:
                os.execv(sys.argv[2], sys.argv[2:])
            seen = b''
            def read_to(end):
                global seen
                while not seen.endswith(end):
                    seen += os.read(terminal, 1)
            read_to(b'localhost: ')
            os.write(terminal, b'known\n')
            read_to(b'password for localhost: ')
            if end.startswith('SIG'):
                os.kill(child, getattr(signal, end))
            else:
                os.write(terminal, b'\x03')
            for _ in range(100):
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    break
                time.sleep(0.1)
            print(pid == child, status != 0, bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
            if not pid:
                os.kill(child, signal.SIGKILL)
            """;
        CommandResult result = await ChildProcess.RunAsync(
            "/usr/bin/python3", ["-c", Terminal, end, CliRun.Program, "-c", $"test://{file}", "uri"], cancellationToken: Token);
        Assert.Equal("True True True\n", result.Output);
    }

    // In a session of its own: virsh asks for passwords at the terminal where there is one.
    private static async Task<Outcome> RunAsync(string program, string[] arguments, string typed)
    {
        using Process process = Process.Start(new ProcessStartInfo("setsid", ["--wait", program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C.UTF-8" },
        })!;
        await process.StandardInput.WriteAsync(typed.AsMemory(), Token);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(Token);
        Task<string> error = process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return new(process.ExitCode, await output, await error);
    }
}
