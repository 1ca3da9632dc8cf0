using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Names and passwords by SASL: our client on a real libvirtd, virsh and our client on ballastd, and who keeps the users.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
[SupportedOSPlatform("linux")]
public sealed class SaslTests : IDisposable
{
    private const string User = "ann", Password = "correct horse, battery=staple";

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Users => _directory.File("users");

    private string Config => _directory.File("ballastd.conf");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Our_client_is_let_in_by_libvirtd()
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", User, Password), Token);
        foreach (string way in (string[])["", "&auth=sasl", "&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            List<CredentialRequest> asked = [];
            await using Connection connection = await OpenAsync(libvirtd.Uri + way, Password, asked);
            Assert.Equal("QEMU", connection.DriverType);
            Assert.Equal([(CredentialKind.UserName, "localhost"), (CredentialKind.Password, "localhost")], asked.Select(request => (request.Kind, request.Challenge)));

            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(libvirtd.Uri + way, "wrong"));
            Assert.Equal(
                (ErrorCode.AuthenticationFailed, "authentication failed: the daemon does not let user 'ann' in: authentication failed"), (refused.Code, refused.Message));
        }

        // The same file by the same names as libvirt's own client.
        Succeeds(await libvirtd.VirshAsync("list"));
        string[] words = ["-c", $"{libvirtd.Uri}&authfile={libvirtd.AuthFile}", "list"];
        Succeeds(await BallastProgram.RunAsync(Token, words));
        CommandResult program = await ChildProcess.RunAsync(
            BallastProgram.Path, ["-c", libvirtd.Uri, "list"], new Dictionary<string, string> { ["LIBVIRT_AUTH_FILE"] = libvirtd.AuthFile! }, cancellationToken: Token);
        Succeeds(program);

        LibvirtException missing = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{libvirtd.Uri}&authfile=/not/there", Password));
        Assert.Equal("authentication failed: the auth file /not/there cannot be read: No such file or directory", missing.Message);
    }

    [Fact]
    public async Task Letters_beyond_ASCII_are_the_same_to_libvirtd_and_us_in_every_form_of_ours()
    {
        const string composed = "Gr\u00f6\u00dfe, caf\u00e9", decomposed = "Gro\u0308\u00dfe, cafe\u0301";
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", User, composed), Token);
        foreach (string way in (string[])["&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            await using Connection connection = await OpenAsync(libvirtd.Uri + way, composed);
            Assert.Equal("QEMU", connection.DriverType);
        }

        await using (await OpenAsync(libvirtd.Uri + "&auth=sasl.SCRAM-SHA-256", decomposed))
        {
        }

        // On our side, however it was typed there and here, by libvirt's client too.
        await AddAsync("zo\u0065\u0308", decomposed);
        Assert.Equal((0, "zo\u00eb\n", ""), await PasswdAsync("", "--list"));
        await File.WriteAllTextAsync(Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", Config);
        foreach (string way in (string[])["", "&auth=sasl.PLAIN"])
            Succeeds(await VirshAsync(daemon.Uri + way, "zo\u00eb", composed, "list"));
        Succeeds(await VirshAsync(daemon.Uri + "&auth=sasl.PLAIN", "zoe\u0308", decomposed, "list"));
        Assert.Equal((0, "", ""), await PasswdAsync("", "zoe\u0308", "--delete"));
    }

    [Fact]
    public async Task Inside_TLS_our_client_is_let_in_by_libvirtd()
    {
        using TestPki pki = TestPki.Create();
        using HeldPort port = new();
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", User, Password), Token, (port.Port, pki.Path));
        foreach (string way in (string[])["", "&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            string uri = SecureUri(port, pki) + way;
            await using Connection connection = await OpenAsync(uri, Password);
            Assert.Equal("QEMU", connection.DriverType);
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(uri, "wrong"));
            Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
        }
    }

    [Fact]
    public async Task Clients_of_other_hosts_are_asked_by_ballastd()
    {
        using TestPki pki = TestPki.Create();
        using HeldPort tls = new(), tcp = new();
        await AddAsync(User, Password);
        await File.WriteAllTextAsync(Config, $"auth_tls = \"sasl\"\nauth_tcp = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(
            Token, "--config", Config, "--tls", $"127.0.0.1:{tls.Port}", "--tcp", $"127.0.0.1:{tcp.Port}", "--pki", pki.Path);
        string secure = SecureUri(tls, pki), plain = $"qemu+tcp://127.0.0.1:{tcp.Port}/system";
        foreach (string uri in (string[])[secure, $"{secure}&auth=sasl.PLAIN", plain])
        {
            // libvirt's client wants a mechanism that encrypts where nothing else does, and these do not.
            if (uri != plain)
                Succeeds(await VirshAsync(uri, User, Password, "list"));
            await using Connection connection = await OpenAsync(uri, Password);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
        }

        // No password is sent where others can read it.
        LibvirtException readable = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{plain}?auth=sasl.PLAIN", Password));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, readable.Code);

        // Nor where the daemon may be anybody.
        LibvirtException unverified = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{secure}&no_verify=1&auth=sasl.PLAIN", Password));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, unverified.Code);
        foreach (string uri in (string[])[secure, plain])
        {
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(uri, "wrong"));
            Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
        }

        await daemon.LogsAsync("did not prove who it is: the name or the password is wrong", Token);
        await using (await Connection.OpenAsync(daemon.Uri, cancellationToken: Token))
        {
        }
    }

    [Fact]
    public async Task A_daemon_of_other_mechanisms_is_named()
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("digest-md5", User, Password), Token);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(libvirtd.Uri, Password));
        Assert.Equal(
            (ErrorCode.AuthenticationUnavailable, "authentication unavailable: the daemon offers the SASL mechanisms 'DIGEST-MD5', and Ballast has SCRAM-SHA-256 and PLAIN"),
            (refused.Code, refused.Message));
    }

    [Fact]
    public async Task Virsh_and_our_client_are_let_in_by_ballastd_and_guessers_are_not()
    {
        await AddAsync(User, Password);
        await File.WriteAllTextAsync(Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", Config);
        foreach (string way in (string[])["", "&auth=sasl.PLAIN"])
        {
            Succeeds(await VirshAsync(daemon.Uri + way, User, Password, "list"));
            await using Connection connection = await OpenAsync(daemon.Uri + way, Password);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
        }

        // Who changes something is named, by both names.
        await using (Connection tests = await OpenAsync($"{daemon.Uri}&name=test:///default", Password))
            await (await tests.LookupByNameAsync("test", Token)).SuspendAsync(Token);
        await daemon.LogsAsync($" as '{User}': ", Token);

        // The other socket asks nobody.
        await using (await Connection.OpenAsync(daemon.ReadOnlyUri, cancellationToken: Token))
        {
        }

        // A new password holds at once, a user who is gone is unknown at once.
        await AddAsync(User, "another one");
        foreach ((string user, string password) in new[] { (User, Password), ("bob", Password) })
        {
            CommandResult refused = await VirshAsync(daemon.Uri, user, password, "list");
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains("authentication failed: the name or the password is wrong", refused.Errors, StringComparison.Ordinal);
        }

        Succeeds(await VirshAsync(daemon.Uri, User, "another one", "list"));
        Assert.Equal((0, "", ""), await PasswdAsync("", User, "--delete"));
        for (int i = 0; i < 3; i++)
            Assert.Contains("the name or the password is wrong", (await VirshAsync(daemon.Uri, User, "another one", "list")).Errors, StringComparison.Ordinal);
        CommandResult limit = await VirshAsync(daemon.Uri, User, "another one", "list");
        Assert.Contains("authentication failed: too many failures: try again in ", limit.Errors, StringComparison.Ordinal);
        await daemon.LogsAsync("A client of user 0 did not prove who it is: the name or the password is wrong", Token);
        foreach (string secret in (string[])[Password, "another one"])
            Assert.DoesNotContain(secret, daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_opened_again_asks_nobody_again()
    {
        await AddAsync(User, Password);
        await File.WriteAllTextAsync(Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        string socket = _directory.File("sock");
        ChildProcess daemon = await DaemonRun.StartAsync(Token, "--config", Config, "--socket", socket);
        int asked = 0;
        await using Connection connection = await Connection.OpenAsync(
            $"qemu+unix:///system?socket={socket}",
            new ConnectionOptions
            {
                Reconnect = true,
                AskCredential = (request, _) =>
                {
                    asked++;
                    return new(request.Kind == CredentialKind.UserName ? User : Password);
                },
            },
            Token);
        await DaemonRun.EndAsync(daemon, Token);
        await using ChildProcess next = await DaemonRun.StartAsync(Token, "--config", Config, "--socket", socket);
        await Deadline.UntilAsync(Deadline.Default, "an answer of the next daemon", async token =>
        {
            try
            {
                _ = await connection.ListDomainsAsync(cancellationToken: token);
                return true;
            }
            catch (LibvirtException)
            {
                return false;
            }
        }, Token);
        Assert.Equal(2, asked);
        await daemon.DisposeAsync();
    }

    [Fact]
    public async Task A_user_whose_name_was_kept_in_another_form_can_be_deleted()
    {
        await AddAsync("zoe", "secret");
        string text = await File.ReadAllTextAsync(Users, Token);
        await File.WriteAllTextAsync(Users, text.Replace("zoe:", "zoe\u0308:", StringComparison.Ordinal), Token);
        Assert.Equal((0, "zoe\u0308\n", ""), await PasswdAsync("", "--list"));
        Assert.Equal((0, "", ""), await PasswdAsync("", "zoe\u0308", "--delete"));
        Assert.Equal((0, "", ""), await PasswdAsync("", "--list"));
    }

    [Theory]
    [InlineData("../kept/users")]
    [InlineData("/absolute")]
    [InlineData("another-link")]
    public async Task A_link_to_the_file_stays_one_and_the_file_behind_it_changes(string target)
    {
        _ = Directory.CreateDirectory(_directory.File("kept"));
        _ = Directory.CreateDirectory(_directory.File("etc"));
        string kept = _directory.File("kept/users"), link = _directory.File("etc/users");
        if (target == "another-link")
            _ = File.CreateSymbolicLink(_directory.File("etc/another-link"), kept);
        _ = File.CreateSymbolicLink(link, target == "/absolute" ? kept : target);
        _ = File.CreateSymbolicLink(Users, "etc/users");

        // Behind it, there is nothing at first.
        await AddAsync(User, Password);
        await AddAsync("bob", Password);
        string before = await File.ReadAllTextAsync(kept, Token);
        await AddAsync(User, "another one");
        Assert.NotEqual(before, await File.ReadAllTextAsync(kept, Token));
        Assert.Equal((0, "", ""), await PasswdAsync("", "bob", "--delete"));
        Assert.DoesNotContain("bob:", await File.ReadAllTextAsync(kept, Token), StringComparison.Ordinal);
        Assert.Equal("etc/users", new FileInfo(Users).LinkTarget);
        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.Equal(["users", "users.lock"], Directory.GetFiles(_directory.File("kept")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Many_at_a_time_are_all_kept()
    {
        const int count = 24;
        (int, string, string)[] results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => PasswdAsync($"secret{i}\n", $"user{i:00}")));
        Assert.All(results, result => Assert.Equal((0, "", ""), result));
        Assert.Equal((0, string.Concat(Enumerable.Range(0, count).Select(i => $"user{i:00}\n")), ""), await PasswdAsync("", "--list"));
    }

    [Fact]
    public async Task Without_standard_input_there_is_no_password()
    {
        await File.WriteAllTextAsync(Config, $"sasl_users = \"{Users}\"\n", Token);
        CommandResult result = await ChildProcess.RunAsync(
            "timeout", ["10", "sh", "-c", "exec \"$0\" passwd --config \"$1\" ann <&-", BallastDaemon.Program, Config], cancellationToken: Token);
        Assert.Equal((1, "", "ballastd: standard input is closed: the password is read from it\n"), (result.ExitCode, result.Output, result.Errors));
        Assert.False(File.Exists(Users));
    }

    [Fact]
    public async Task A_user_who_is_there_twice_is_found()
    {
        await AddAsync(User, Password);
        string text = await File.ReadAllTextAsync(Users, Token);
        await File.WriteAllTextAsync(Users, text + text.Split('\n')[1] + "\n", Token);
        string why = $"{Users}:3: '{User}' is there twice: delete the line of the old password";
        Assert.Equal((1, "", $"ballastd: {why}\n"), await PasswdAsync("", "--list"));
        await File.WriteAllTextAsync(Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--config", Config, "--socket", _directory.File("sock"), "--check"), 1, why);
    }

    [Fact]
    public async Task Users_are_kept_in_a_file_of_the_daemons_own()
    {
        Assert.Equal((0, "", ""), await PasswdAsync("", "--list"));
        await AddAsync("zoe", "secret");
        await AddAsync("Jürgen, der=Große", "secret");
        Assert.Equal((0, "Jürgen, der=Große\nzoe\n", ""), await PasswdAsync("", "--list"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Users));
        string text = await File.ReadAllTextAsync(Users, Token);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);

        // Salted: the same password looks otherwise.
        string[] lines = text.Split('\n');
        Assert.NotEqual(lines[1].Split(':')[^1], lines[2].Split(':')[^1]);
        Assert.Equal((0, "", ""), await PasswdAsync("", "zoe", "--delete"));
        Assert.Equal((2, "", $"ballastd: there is no user 'zoe' in {Users}\n"), await PasswdAsync("", "zoe", "--delete"));
        Assert.Equal((0, "Jürgen, der=Große\n", ""), await PasswdAsync("", "--list"));
    }

    [Theory]
    [InlineData("", "the password is empty")]
    [InlineData("a\tb\n", "the password has control characters")]
    [InlineData("a\ue000b\n", "the password has characters that RFC 4013 does not allow")]
    public async Task What_is_no_password_is_refused(string typed, string why)
    {
        Assert.Equal((1, "", $"ballastd: {why}\n"), await PasswdAsync(typed, User));
        Assert.False(File.Exists(Users));
    }

    [Fact]
    public async Task A_password_that_is_not_UTF8_is_refused_as_it_is()
    {
        // Every byte is one of ISO 8859-1, and is written as it is.
        (int status, string output, string errors) = await PasswdAsync("gr\u00FCn\n", System.Text.Encoding.Latin1, User);
        Assert.Equal((2, "", "ballastd: the password is not UTF-8: use a terminal of that encoding, or convert the file (iconv -t UTF-8)\n"), (status, output, errors));
        Assert.False(File.Exists(Users));
        Assert.Equal((0, "", ""), await PasswdAsync("gr\u00FCn\n", User));
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("a\u202eb")]
    public async Task What_is_no_name_is_refused(string name)
    {
        (int status, string output, string errors) = await PasswdAsync("secret\n", name);
        Assert.Equal((2, ""), (status, output));
        Assert.Contains("is no name of a user", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_no_argument()
    {
        (int status, _, string errors) = await PasswdAsync("", User, "secret");
        Assert.Equal(2, status);
        Assert.StartsWith("ballastd: usage: ballastd passwd ", errors);
    }

    [Fact]
    public async Task A_file_that_others_could_use_lets_nobody_in_and_is_found_by_the_check()
    {
        await AddAsync(User, Password);
        File.SetUnixFileMode(Users, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await File.WriteAllTextAsync(Config, $"auth_unix_ro = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        CommandResult check = await DaemonRun.ToEndAsync(Token, "--config", Config, "--socket", _directory.File("sock"), "--check");
        DaemonRun.IsRefused(check, 1, $"{Users} can be used by others (mode 0640): chmod 600 {Users}");

        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", Config);
        CommandResult refused = await VirshAsync(daemon.ReadOnlyUri, User, Password, "list");
        Assert.Contains("the users of this daemon cannot be read; its log says why", refused.Errors, StringComparison.Ordinal);
        await daemon.LogsAsync($"Nobody can log in: {Users} can be used by others (mode 0640): chmod 600", Token);

        File.SetUnixFileMode(Users, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Succeeds(await VirshAsync(daemon.ReadOnlyUri, User, Password, "list"));
    }

    [Fact]
    public async Task The_log_says_where_a_client_is_and_what_it_left_out()
    {
        string host = Loopback.HasIPv6 ? "[::1]" : "127.0.0.1";
        using HeldPort tcp = new();
        await AddAsync(User, Password);
        await File.WriteAllTextAsync(Config, $"auth_tcp = \"sasl\"\nauth_unix_rw = \"sasl\"\nsasl_users = \"{Users}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", Config, "--tcp", $"{host}:{tcp.Port}");

        // As many as are said of one, some that are not, and another one's.
        const int ofOne = 20, tooMany = 5;
        for (int i = 0; i < ofOne + tooMany; i++)
            _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"qemu+tcp://{host}:{tcp.Port}/system", "wrong"));
        _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(daemon.Uri, "wrong"));
        await daemon.LogsAsync("A client of user 0 did not prove who it is: the name or the password is wrong", Token);
        Assert.Contains($"{tooMany} lines about changes were left out", daemon.Errors, StringComparison.Ordinal);
        string[] lines = [.. daemon.Errors.Split('\n').Where(line => line.Contains("did not prove who it is", StringComparison.Ordinal))];
        Assert.Equal(ofOne + 1, lines.Length);
        Assert.All(lines[..^1], line => Assert.Matches($@"Client {Regex.Escape(host)}:\d+ did not prove who it is: (the name or the password is wrong|too many failures)", line));

        // What is wrong with the file is said all the same.
        File.Delete(Users);
        _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(daemon.Uri, Password));
        await daemon.LogsAsync($"Nobody can log in: {Users} is not there", Token);
    }

    [Fact]
    public async Task At_a_terminal_a_password_is_typed_twice_and_not_shown()
    {
        await File.WriteAllTextAsync(Config, $"sasl_users = \"{Users}\"\n", Token);
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
            "/usr/bin/python3", ["-c", Terminal, BallastDaemon.Program, "passwd", "--config", Config, User], cancellationToken: Token);
        Assert.Equal("False\nFalse True 2\nFalse\nFalse False 0\n", result.Output);
    }

    [Theory]
    [InlineData("SIGINT")]
    [InlineData("SIGTERM")]
    public async Task Whoever_ends_the_question_for_a_password_has_the_terminal_as_it_was(string signal)
    {
        await File.WriteAllTextAsync(Config, $"sasl_users = \"{Users}\"\n", Token);
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
            "/usr/bin/python3", ["-c", Terminal, signal, BallastDaemon.Program, "passwd", "--config", Config, User], cancellationToken: Token);
        Assert.Equal("True\n", result.Output);
    }

    private static string SecureUri(HeldPort port, TestPki pki) => $"qemu+tls://localhost:{port.Port}/system?pkipath={pki.Path}&no_sanity=1";

    private static async Task<Connection> OpenAsync(string uri, string password, List<CredentialRequest>? asked = null) => await Connection.OpenAsync(
        uri,
        new ConnectionOptions
        {
            AskCredential = (request, _) =>
            {
                asked?.Add(request);
                return new(request.Kind == CredentialKind.UserName ? User : password);
            },
        },
        Token);

    private async Task<CommandResult> VirshAsync(string uri, string user, string password, params string[] command)
    {
        string file = _directory.File("auth.conf");
        await File.WriteAllTextAsync(file, $"[credentials-x]\nauthname={user}\npassword={password}\n[auth-libvirt-default]\ncredentials=x\n", Token);
        return await ChildProcess.RunAsync(
            "virsh", ["-c", uri, .. command], new Dictionary<string, string> { ["LC_ALL"] = "C", ["LIBVIRT_AUTH_FILE"] = file }, cancellationToken: Token);
    }

    private async Task AddAsync(string user, string password) => Assert.Equal((0, "", ""), await PasswdAsync($"{password}\n", user));

    private Task<(int Status, string Output, string Errors)> PasswdAsync(string typed, params string[] arguments) =>
        PasswdAsync(typed, new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false), arguments);

    private async Task<(int Status, string Output, string Errors)> PasswdAsync(string typed, System.Text.Encoding encoding, params string[] arguments)
    {
        string config = _directory.File("users.conf");
        await File.WriteAllTextAsync(config, string.Create(CultureInfo.InvariantCulture, $"sasl_users = \"{Users}\"\n"), Token);
        using Process process = Process.Start(new ProcessStartInfo(BallastDaemon.Program, ["passwd", "--config", config, .. arguments])
        {
            RedirectStandardInput = true,
            StandardInputEncoding = encoding,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await process.StandardInput.WriteAsync(typed.AsMemory(), Token);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, await output, await errors);
    }

    private static void Succeeds(CommandResult result) => Assert.True(result.ExitCode == 0, result.Errors);
}
