using System.Runtime.Versioning;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary><c>ballastd passwd</c>, which keeps the users that may log in, and the file that it writes.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class PasswdTests : IDisposable
{
    private readonly SaslUsers _users = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _users.Dispose();

    [Fact]
    public async Task A_user_whose_name_was_kept_in_another_form_can_be_deleted()
    {
        await _users.AddAsync("zoe", "secret");
        string text = await File.ReadAllTextAsync(_users.Path, Token);
        await File.WriteAllTextAsync(_users.Path, text.Replace("zoe:", "zoe\u0308:", StringComparison.Ordinal), Token);
        Assert.Equal((0, "zoe\u0308\n", ""), await _users.PasswdAsync("", "--list"));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "zoe\u0308", "--delete"));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "--list"));
    }

    [Theory]
    [InlineData("../kept/users")]
    [InlineData("/absolute")]
    [InlineData("another-link")]
    public async Task A_link_to_the_file_stays_one_and_the_file_behind_it_changes(string target)
    {
        _ = Directory.CreateDirectory(_users.File("kept"));
        _ = Directory.CreateDirectory(_users.File("etc"));
        string kept = _users.File("kept/users"), link = _users.File("etc/users");
        if (target == "another-link")
            _ = File.CreateSymbolicLink(_users.File("etc/another-link"), kept);
        _ = File.CreateSymbolicLink(link, target == "/absolute" ? kept : target);
        _ = File.CreateSymbolicLink(_users.Path, "etc/users");

        // Behind it, there is nothing at first.
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        await _users.AddAsync("bob", SaslUsers.Password);
        string before = await File.ReadAllTextAsync(kept, Token);
        await _users.AddAsync(SaslUsers.User, "another one");
        Assert.NotEqual(before, await File.ReadAllTextAsync(kept, Token));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "bob", "--delete"));
        Assert.DoesNotContain("bob:", await File.ReadAllTextAsync(kept, Token), StringComparison.Ordinal);
        Assert.Equal("etc/users", new FileInfo(_users.Path).LinkTarget);
        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.Equal(["users", "users.lock"], Directory.GetFiles(_users.File("kept")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Many_at_a_time_are_all_kept()
    {
        const int count = 24;
        (int, string, string)[] results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => _users.PasswdAsync($"secret{i}\n", $"user{i:00}")));
        Assert.All(results, result => Assert.Equal((0, "", ""), result));
        Assert.Equal((0, string.Concat(Enumerable.Range(0, count).Select(i => $"user{i:00}\n")), ""), await _users.PasswdAsync("", "--list"));
    }

    [Fact]
    public async Task Without_standard_input_there_is_no_password()
    {
        await File.WriteAllTextAsync(_users.Config, $"sasl_users = \"{_users.Path}\"\n", Token);
        CommandResult result = await ChildProcess.RunAsync(
            "timeout", ["10", "sh", "-c", "exec \"$0\" passwd --config \"$1\" ann <&-", BallastDaemon.Program, _users.Config], cancellationToken: Token);
        Assert.Equal((1, "", "ballastd: standard input is closed: the password is read from it\n"), (result.ExitCode, result.Output, result.Errors));
        Assert.False(File.Exists(_users.Path));
    }

    [Fact]
    public async Task A_user_who_is_there_twice_is_found()
    {
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        string text = await File.ReadAllTextAsync(_users.Path, Token);
        await File.WriteAllTextAsync(_users.Path, text + text.Split('\n')[1] + "\n", Token);
        string why = $"{_users.Path}:3: '{SaslUsers.User}' is there twice: delete the line of the old password";
        Assert.Equal((1, "", $"ballastd: {why}\n"), await _users.PasswdAsync("", "--list"));
        await File.WriteAllTextAsync(_users.Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--config", _users.Config, "--socket", _users.File("sock"), "--check"), 1, why);
    }

    [Fact]
    public async Task Users_are_kept_in_a_file_of_the_daemons_own()
    {
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "--list"));
        await _users.AddAsync("zoe", "secret");
        await _users.AddAsync("Jürgen, der=Große", "secret");
        Assert.Equal((0, "Jürgen, der=Große\nzoe\n", ""), await _users.PasswdAsync("", "--list"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_users.Path));
        string text = await File.ReadAllTextAsync(_users.Path, Token);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);

        // Salted: the same password looks otherwise.
        string[] lines = text.Split('\n');
        Assert.NotEqual(lines[1].Split(':')[^1], lines[2].Split(':')[^1]);
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "zoe", "--delete"));
        Assert.Equal((2, "", $"ballastd: there is no user 'zoe' in {_users.Path}\n"), await _users.PasswdAsync("", "zoe", "--delete"));
        Assert.Equal((0, "Jürgen, der=Große\n", ""), await _users.PasswdAsync("", "--list"));
    }

    [Theory]
    [InlineData("", "the password is empty")]
    [InlineData("a\tb\n", "the password has control characters")]
    [InlineData("a\ue000b\n", "the password has characters that RFC 4013 does not allow")]
    public async Task What_is_no_password_is_refused(string typed, string why)
    {
        Assert.Equal((1, "", $"ballastd: {why}\n"), await _users.PasswdAsync(typed, SaslUsers.User));
        Assert.False(File.Exists(_users.Path));
    }

    [Fact]
    public async Task A_password_that_is_not_UTF8_is_refused_as_it_is()
    {
        // Every byte is one of ISO 8859-1, and is written as it is.
        (int status, string output, string errors) = await _users.PasswdAsync("gr\u00FCn\n", System.Text.Encoding.Latin1, SaslUsers.User);
        Assert.Equal((2, "", "ballastd: the password is not UTF-8: use a terminal of that encoding, or convert the file (iconv -t UTF-8)\n"), (status, output, errors));
        Assert.False(File.Exists(_users.Path));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("gr\u00FCn\n", SaslUsers.User));
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("a\u202eb")]
    public async Task What_is_no_name_is_refused(string name)
    {
        (int status, string output, string errors) = await _users.PasswdAsync("secret\n", name);
        Assert.Equal((2, ""), (status, output));
        Assert.Contains("is not a user name", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_no_argument()
    {
        (int status, _, string errors) = await _users.PasswdAsync("", SaslUsers.User, "secret");
        Assert.Equal(2, status);
        Assert.StartsWith("ballastd: usage: ballastd passwd ", errors);
    }

    [Fact]
    public async Task At_a_terminal_a_password_is_typed_twice_and_not_shown()
    {
        await File.WriteAllTextAsync(_users.Config, $"sasl_users = \"{_users.Path}\"\n", Token);
        const string Terminal =
            """
            import os, pty, sys, termios
            for second in (b'other', b'secret'):
                child, terminal = pty.fork()
                if child == 0:
                    os.execv(sys.argv[1], sys.argv[1:])
                seen = b''
                def read_to(end):
                    global seen
                    while not seen.endswith(end):
                        seen += os.read(terminal, 1)
                read_to(b"New password of 'ann': ")
                print(bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
                os.write(terminal, b'secret\n')
                read_to(b'Again: ')
                os.write(terminal, second + b'\n')
                try:
                    while True:
                        seen += os.read(terminal, 100)
                except OSError:
                    pass
                print(b'secret' in seen, b'differ' in seen, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            """;
        CommandResult result = await ChildProcess.RunAsync(
            "/usr/bin/python3", ["-c", Terminal, BallastDaemon.Program, "passwd", "--config", _users.Config, SaslUsers.User], cancellationToken: Token);
        Assert.Equal("False\nFalse True 2\nFalse\nFalse False 0\n", result.Output);
    }

    [Theory]
    [InlineData("SIGINT")]
    [InlineData("SIGTERM")]
    public async Task Whoever_ends_the_question_for_a_password_has_the_terminal_as_it_was(string signal)
    {
        await File.WriteAllTextAsync(_users.Config, $"sasl_users = \"{_users.Path}\"\n", Token);
        const string Terminal =
            """
            import os, pty, signal, sys, termios
            child, terminal = pty.fork()
            if child == 0:
                os.execv(sys.argv[2], sys.argv[2:])
            seen = b''
            while not seen.endswith(b"New password of 'ann': "):
                seen += os.read(terminal, 1)
            os.kill(child, getattr(signal, sys.argv[1]))
            os.waitpid(child, 0)
            print(bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
            """;
        CommandResult result = await ChildProcess.RunAsync(
            "/usr/bin/python3", ["-c", Terminal, signal, BallastDaemon.Program, "passwd", "--config", _users.Config, SaslUsers.User], cancellationToken: Token);
        Assert.Equal("True\n", result.Output);
    }
}
