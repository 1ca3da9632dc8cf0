using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Names and passwords by SASL: our client on a real libvirtd, virsh and our client on ballastd.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
[SupportedOSPlatform("linux")]
public sealed class SaslTests : IDisposable
{
    private readonly SaslUsers _users = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _users.Dispose();

    [Fact]
    public async Task Our_client_is_let_in_by_libvirtd()
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", SaslUsers.User, SaslUsers.Password), Token);
        foreach (string way in (string[])["", "&auth=sasl", "&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            List<CredentialRequest> asked = [];
            await using Connection connection = await OpenAsync(libvirtd.Uri + way, SaslUsers.Password, asked);
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

        LibvirtException missing = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{libvirtd.Uri}&authfile=/not/there", SaslUsers.Password));
        Assert.Equal("authentication failed: the auth file /not/there cannot be read: No such file or directory", missing.Message);
    }

    [Fact]
    public async Task Letters_beyond_ASCII_are_the_same_to_libvirtd_and_us_in_every_form_of_ours()
    {
        const string composed = "Gr\u00f6\u00dfe, caf\u00e9", decomposed = "Gro\u0308\u00dfe, cafe\u0301";
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", SaslUsers.User, composed), Token);
        foreach (string way in (string[])["&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            await using Connection connection = await OpenAsync(libvirtd.Uri + way, composed);
            Assert.Equal("QEMU", connection.DriverType);
        }

        await using (await OpenAsync(libvirtd.Uri + "&auth=sasl.SCRAM-SHA-256", decomposed))
        {
        }

        // On our side, however it was typed there and here, by libvirt's client too.
        await _users.AddAsync("zo\u0065\u0308", decomposed);
        Assert.Equal((0, "zo\u00eb\n", ""), await _users.PasswdAsync("", "--list"));
        await File.WriteAllTextAsync(_users.Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", _users.Config);
        foreach (string way in (string[])["", "&auth=sasl.PLAIN"])
            Succeeds(await VirshAsync(daemon.Uri + way, "zo\u00eb", composed, "list"));
        Succeeds(await VirshAsync(daemon.Uri + "&auth=sasl.PLAIN", "zoe\u0308", decomposed, "list"));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", "zoe\u0308", "--delete"));
    }

    [Fact]
    public async Task Inside_TLS_our_client_is_let_in_by_libvirtd()
    {
        using TestPki pki = TestPki.Create();
        using HeldPort port = new();
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("scram-sha-256 plain", SaslUsers.User, SaslUsers.Password), Token, (port.Port, pki.Path));
        foreach (string way in (string[])["", "&auth=sasl.SCRAM-SHA-256", "&auth=sasl.PLAIN"])
        {
            string uri = SecureUri(port, pki) + way;
            await using Connection connection = await OpenAsync(uri, SaslUsers.Password);
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
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        await File.WriteAllTextAsync(_users.Config, $"auth_tls = \"sasl\"\nauth_tcp = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(
            Token, "--config", _users.Config, "--tls", $"127.0.0.1:{tls.Port}", "--tcp", $"127.0.0.1:{tcp.Port}", "--pki", pki.Path);
        string secure = SecureUri(tls, pki), plain = $"qemu+tcp://127.0.0.1:{tcp.Port}/system";
        foreach (string uri in (string[])[secure, $"{secure}&auth=sasl.PLAIN", plain])
        {
            // libvirt's client wants a mechanism that encrypts where nothing else does, and these do not.
            if (uri != plain)
                Succeeds(await VirshAsync(uri, SaslUsers.User, SaslUsers.Password, "list"));
            await using Connection connection = await OpenAsync(uri, SaslUsers.Password);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
        }

        // No password is sent where others can read it.
        LibvirtException readable = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{plain}?auth=sasl.PLAIN", SaslUsers.Password));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, readable.Code);

        // Nor where the daemon may be anybody.
        LibvirtException unverified = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"{secure}&no_verify=1&auth=sasl.PLAIN", SaslUsers.Password));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, unverified.Code);
        foreach (string uri in (string[])[secure, plain])
        {
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(uri, "wrong"));
            Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
        }

        await daemon.LogsAsync("failed to log in: the name or the password is wrong", Token);
        await using (await Connection.OpenAsync(daemon.Uri, cancellationToken: Token))
        {
        }
    }

    [Fact]
    public async Task A_daemon_of_other_mechanisms_is_named()
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(("digest-md5", SaslUsers.User, SaslUsers.Password), Token);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(libvirtd.Uri, SaslUsers.Password));
        Assert.Equal(
            (ErrorCode.AuthenticationUnavailable, "authentication unavailable: the daemon offers the SASL mechanisms 'DIGEST-MD5', and Ballast has SCRAM-SHA-256 and PLAIN"),
            (refused.Code, refused.Message));
    }

    [Fact]
    public async Task Virsh_and_our_client_are_let_in_by_ballastd_and_guessers_are_not()
    {
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        await File.WriteAllTextAsync(_users.Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", _users.Config);
        foreach (string way in (string[])["", "&auth=sasl.PLAIN"])
        {
            Succeeds(await VirshAsync(daemon.Uri + way, SaslUsers.User, SaslUsers.Password, "list"));
            await using Connection connection = await OpenAsync(daemon.Uri + way, SaslUsers.Password);
            _ = await connection.ListDomainsAsync(cancellationToken: Token);
        }

        // Who changes something is named, by both names.
        await using (Connection tests = await OpenAsync($"{daemon.Uri}&name=test:///default", SaslUsers.Password))
            await (await tests.LookupByNameAsync("test", Token)).SuspendAsync(Token);
        await daemon.LogsAsync($" as '{SaslUsers.User}': ", Token);

        // The other socket asks nobody.
        await using (await Connection.OpenAsync(daemon.ReadOnlyUri, cancellationToken: Token))
        {
        }

        // A new password holds at once, a user who is gone is unknown at once.
        await _users.AddAsync(SaslUsers.User, "another one");
        foreach ((string user, string password) in new[] { (SaslUsers.User, SaslUsers.Password), ("bob", SaslUsers.Password) })
        {
            CommandResult refused = await VirshAsync(daemon.Uri, user, password, "list");
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains("authentication failed: the name or the password is wrong", refused.Errors, StringComparison.Ordinal);
        }

        Succeeds(await VirshAsync(daemon.Uri, SaslUsers.User, "another one", "list"));
        Assert.Equal((0, "", ""), await _users.PasswdAsync("", SaslUsers.User, "--delete"));
        for (int i = 0; i < 3; i++)
            Assert.Contains("the name or the password is wrong", (await VirshAsync(daemon.Uri, SaslUsers.User, "another one", "list")).Errors, StringComparison.Ordinal);
        CommandResult limit = await VirshAsync(daemon.Uri, SaslUsers.User, "another one", "list");
        Assert.Contains("authentication failed: too many failures: try again in ", limit.Errors, StringComparison.Ordinal);
        await daemon.LogsAsync("A client of user 0 failed to log in: the name or the password is wrong", Token);
        foreach (string secret in (string[])[SaslUsers.Password, "another one"])
            Assert.DoesNotContain(secret, daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_opened_again_asks_nobody_again()
    {
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        await File.WriteAllTextAsync(_users.Config, $"auth_unix_rw = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        string socket = _users.File("sock");
        ChildProcess daemon = await DaemonRun.StartAsync(Token, "--config", _users.Config, "--socket", socket);
        int asked = 0;
        await using Connection connection = await Connection.OpenAsync(
            $"qemu+unix:///system?socket={socket}",
            new ConnectionOptions
            {
                Reconnect = true,
                AskCredential = (request, _) =>
                {
                    asked++;
                    return new(request.Kind == CredentialKind.UserName ? SaslUsers.User : SaslUsers.Password);
                },
            },
            Token);
        await DaemonRun.EndAsync(daemon, Token);
        await using ChildProcess next = await DaemonRun.StartAsync(Token, "--config", _users.Config, "--socket", socket);
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
    public async Task A_file_that_others_could_use_lets_nobody_in_and_is_found_by_the_check()
    {
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        File.SetUnixFileMode(_users.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        await File.WriteAllTextAsync(_users.Config, $"auth_unix_ro = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        CommandResult check = await DaemonRun.ToEndAsync(Token, "--config", _users.Config, "--socket", _users.File("sock"), "--check");
        DaemonRun.IsRefused(check, 1, $"{_users.Path} can be used by others (mode 0640): chmod 600 {_users.Path}");

        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", _users.Config);
        CommandResult refused = await VirshAsync(daemon.ReadOnlyUri, SaslUsers.User, SaslUsers.Password, "list");
        Assert.Contains("the users of this daemon cannot be read; its log says why", refused.Errors, StringComparison.Ordinal);
        await daemon.LogsAsync($"Nobody can log in: {_users.Path} can be used by others (mode 0640): chmod 600", Token);

        File.SetUnixFileMode(_users.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Succeeds(await VirshAsync(daemon.ReadOnlyUri, SaslUsers.User, SaslUsers.Password, "list"));
    }

    [Fact]
    public async Task The_log_says_where_a_client_is_and_what_it_left_out()
    {
        string host = Loopback.HasIPv6 ? "[::1]" : "127.0.0.1";
        using HeldPort tcp = new();
        await _users.AddAsync(SaslUsers.User, SaslUsers.Password);
        await File.WriteAllTextAsync(_users.Config, $"auth_tcp = \"sasl\"\nauth_unix_rw = \"sasl\"\nsasl_users = \"{_users.Path}\"\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", _users.Config, "--tcp", $"{host}:{tcp.Port}");

        // As many as are said of one, some that are not, and another one's.
        const int ofOne = 20, tooMany = 5;
        for (int i = 0; i < ofOne + tooMany; i++)
            _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync($"qemu+tcp://{host}:{tcp.Port}/system", "wrong"));
        _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(daemon.Uri, "wrong"));
        await daemon.LogsAsync("A client of user 0 failed to log in: the name or the password is wrong", Token);
        Assert.Contains($"{tooMany} lines about changes were left out", daemon.Errors, StringComparison.Ordinal);
        string[] lines = [.. daemon.Errors.Split('\n').Where(line => line.Contains("failed to log in", StringComparison.Ordinal))];
        Assert.Equal(ofOne + 1, lines.Length);
        Assert.All(lines[..^1], line => Assert.Matches($@"Client {Regex.Escape(host)}:\d+ failed to log in: (the name or the password is wrong|too many failures)", line));

        // What is wrong with the file is said all the same.
        File.Delete(_users.Path);
        _ = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(daemon.Uri, SaslUsers.Password));
        await daemon.LogsAsync($"Nobody can log in: {_users.Path} is not there", Token);
    }

    private static string SecureUri(HeldPort port, TestPki pki) => $"qemu+tls://localhost:{port.Port}/system?pkipath={pki.Path}&no_sanity=1";

    private static async Task<Connection> OpenAsync(string uri, string password, List<CredentialRequest>? asked = null) => await Connection.OpenAsync(
        uri,
        new ConnectionOptions
        {
            AskCredential = (request, _) =>
            {
                asked?.Add(request);
                return new(request.Kind == CredentialKind.UserName ? SaslUsers.User : password);
            },
        },
        Token);

    private async Task<CommandResult> VirshAsync(string uri, string user, string password, params string[] command)
    {
        string file = _users.File("auth.conf");
        await File.WriteAllTextAsync(file, $"[credentials-x]\nauthname={user}\npassword={password}\n[auth-libvirt-default]\ncredentials=x\n", Token);
        return await ChildProcess.RunAsync(
            "virsh", ["-c", uri, .. command], new Dictionary<string, string> { ["LC_ALL"] = "C", ["LIBVIRT_AUTH_FILE"] = file }, cancellationToken: Token);
    }

    private static void Succeeds(CommandResult result) => Assert.True(result.ExitCode == 0, result.Errors);
}
