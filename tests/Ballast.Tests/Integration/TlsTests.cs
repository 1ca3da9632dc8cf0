using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>ballastd over TLS and TCP: who comes in, and what both sides are told of who does not.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class TlsTests : IDisposable
{
    private const string Refused = "server verification (of our certificate or IP address) failed: ";

    private const string Script =
        """
        import sys, libvirt
        for uri in sys.argv[1:]:
            connection = libvirt.open(uri)
            print(connection.getURI() == uri, connection.getType(), connection.isSecure(), connection.isEncrypted(), connection.listAllDomains())
        """;

    private readonly TestPki _pki = TestPki.Create();
    private readonly HeldPort _tcp = new(), _tls = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string[] Ports => ["--tcp", $"127.0.0.1:{_tcp.Port}", "--tls", $"127.0.0.1:{_tls.Port}", "--pki", _pki.Path];

    private string TcpUri => $"qemu+tcp://127.0.0.1:{_tcp.Port}/system";

    public void Dispose()
    {
        _tcp.Dispose();
        _tls.Dispose();
        _pki.Dispose();
    }

    [Fact]
    [Trait("needs", "virsh")]
    [Trait("needs", "libvirtd")]
    public async Task Other_programs_come_in_too()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, Ports);
        foreach (string uri in (string[])[TcpUri, TlsUri()])
        {
            CommandResult virsh = await ChildProcess.RunAsync("virsh", ["-c", uri, "uri"], new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token);
            Assert.Equal((0, $"{uri}\n\n", ""), (virsh.ExitCode, virsh.Output, virsh.Errors));
        }

        CommandResult python = await ChildProcess.RunAsync("/usr/bin/python3", ["-c", Script, TcpUri, TlsUri()], cancellationToken: Token);
        Assert.Equal(("True QEMU 0 0 []\nTrue QEMU 1 1 []\n", ""), (python.Output, python.Errors));
    }

    [Fact]
    public async Task Clients_that_are_not_believed_are_told_and_logged_and_disturb_nobody()
    {
        using TestPki other = TestPki.Create();
        string stranger = other.Copy("stranger", "clientcert.pem", "clientkey.pem");
        File.Copy(_pki.Authority, Path.Combine(stranger, "cacert.pem"));
        string nobody = _pki.Copy("nobody", "cacert.pem");
        using (other.Write("client", "CN=" + new string('\x1b', 5000)))
            other.Copy("endless", "clientcert.pem", "clientkey.pem");
        string endless = Path.Combine(other.Path, "endless");
        File.Copy(_pki.Authority, Path.Combine(endless, "cacert.pem"));
        using (_pki.Write("client", "CN=expired", days: -0.1))
            _ = Client("expired");
        using (_pki.Write("client", "CN=early", from: 0.5))
            _ = Client("early");
        using (_pki.Write("client", "CN=server", use: "server"))
            _ = Client("server");
        using (X509Certificate2 revoked = _pki.Write("client", "CN=revoked"))
            _pki.Revoke(1, revoked);
        _ = Client("revoked");
        _pki.Write("client", "C=GB, O=Others, CN=x").Dispose();
        _ = Client("unlisted");
        _pki.Write("client", "C=GB, O=Ballast, CN=good").Dispose();

        await using BallastDaemon daemon = await BallastDaemon.StartAsync(
            Token, [.. Ports, "--tls-allow", "CN=*", "--tls-allow", "C=GB,O=Ballast,*"]);
        await using Connection good = await Connection.OpenAsync(TlsUri(), cancellationToken: Token);
        int files = await FilesAsync(daemon);
        using Socket silent = Connect(_tls.Port), silentToo = Connect(_tcp.Port);
        foreach ((string uri, ErrorCode code, string told, string logged) in ((string, ErrorCode, string, string)[])
            [
                (TlsUri(stranger), ErrorCode.Rpc, Refused, "it is not signed by an authority of cacert.pem: both sides need the same authority ('C=GB,O=Ballast,CN=tester')"),
                (TlsUri(endless), ErrorCode.Rpc, Refused, "\\x1b\\x1b\u2026')"),
                (TlsUri(Client("expired")), ErrorCode.Rpc, Refused, "it has expired"),
                (TlsUri(Client("early")), ErrorCode.Rpc, Refused, "it is not valid before"),
                (TlsUri(Client("server")), ErrorCode.Rpc, Refused, "it is not made for this use"),
                (TlsUri(Client("revoked")), ErrorCode.Rpc, Refused, "it was revoked (cacrl.pem): use another one ('CN=revoked')"),
                (TlsUri(Client("unlisted")), ErrorCode.Rpc, Refused, "its name is not on the list (tls_allowed_dn_list): add it, or a pattern for it ('C=GB,O=Others,CN=x')"),
                (TlsUri(nobody), ErrorCode.Rpc, Refused + "there is no client certificate here", "it shows no certificate: it needs clientcert.pem and clientkey.pem"),
                ($"qemu+tcp://127.0.0.1:{_tls.Port}/system", ErrorCode.Rpc, "TLS is spoken on this port: use qemu+tls", "it speaks plain text, and this port TLS: it should use qemu+tls"),
                ($"qemu+tls://localhost:{_tcp.Port}/system?pkipath={_pki.Path}", ErrorCode.AuthenticationFailed, "ended the handshake at once", "it speaks TLS, and this port does not"),
            ])
        {
            LibvirtException error = await Connection.OpenAsync(uri, cancellationToken: Token).AsTask().FailsAsync(code);
            Assert.Contains(told, error.Message, StringComparison.Ordinal);
            await daemon.LogsAsync(logged, Token);
            _ = await good.ListDomainsAsync(cancellationToken: Token);
        }

        // Nobody's name fills the log.
        Assert.All(daemon.Errors.Split('\n'), static line => Assert.True(line.Length < 2000, line));
        using (Socket cut = Connect(_tls.Port))
            await cut.SendAsync(new byte[] { 0x16, 3, 1, 2, 0, 1 }, Token);
        await daemon.LogsAsync("the TLS handshake failed", Token);
        using (Socket nonsense = Connect(_tls.Port))
        {
            await nonsense.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
            Assert.Equal(0, await nonsense.ReceiveAsync(new byte[1], Token));
        }

        using (Socket older = Connect(_tls.Port))
        {
            // A hello of TLS 1.1, which no OpenSSL of today would send.
            byte[] hello = [3, 2, .. new byte[32], 0, 0, 2, 0xc0, 0x13, 1, 0];
            await older.SendAsync((byte[])[0x16, 3, 1, 0, (byte)(hello.Length + 4), 1, 0, 0, (byte)hello.Length, .. hello], Token);
            await daemon.LogsAsync("unsupported protocol: this daemon supports TLS 1.2 and 1.3, as far as openssl.cnf allows", Token);
        }

        // Those that said nothing are not waited for any longer either.
        await daemon.LogsAsync($"Client {silent.LocalEndPoint} was refused: it did not complete the handshake within 10 s", Token);
        await daemon.LogsAsync($"Client {silentToo.LocalEndPoint} was refused: it did not complete the handshake within 10 s", Token);
        await Deadline.UntilAsync(Deadline.Default, "closed files", async _ => await FilesAsync(daemon) <= files, Token);
        _ = await good.ListDomainsAsync(cancellationToken: Token);
    }

    [Fact]
    public async Task What_a_client_may_change_is_said_by_listener_and_name()
    {
        using PrivateDirectory directory = new();
        string config = directory.File("ballastd.conf");
        await File.WriteAllTextAsync(config, "tls_readonly_dn_list = [\"*CN=reader\"]\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, ["--config", config, .. Ports]);
        Assert.True(await MayChangeAsync(TlsUri()));
        _pki.Write("client", "C=GB, CN=reader").Dispose();
        Assert.False(await MayChangeAsync(TlsUri()));
        Assert.False(await MayChangeAsync(TcpUri));

        // What is not read of a name may be what the list names.
        _pki.Write("client", "C=GB, OID.1.2.3.4=x, CN=other").Dispose();
        Assert.False(await MayChangeAsync(TlsUri()));
        _pki.Write("client", "C=GB, CN=reader").Dispose();
        await File.WriteAllTextAsync(config, "tcp_write = 1\n", Token);
        daemon.Signal(1);
        await daemon.LogsAsync("changed: tcp_write, tls_readonly_dn_list", Token);
        Assert.True(await MayChangeAsync(TlsUri()));
        Assert.True(await MayChangeAsync(TcpUri));
        await daemon.LogsAsync("(C=GB,CN=reader): balloon size", Token);
    }

    [Fact]
    public async Task Certificates_are_read_again_on_a_signal_and_no_client_is_dropped()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, Ports);
        await using Connection before = await Connection.OpenAsync(TlsUri(), cancellationToken: Token);
        string byAddress = $"qemu+tls://127.0.0.1:{_tls.Port}/system?pkipath={_pki.Path}";
        LibvirtException error = await Connection.OpenAsync(byAddress, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.AuthenticationFailed);
        Assert.Contains("owner does not match the hostname 127.0.0.1", error.Message, StringComparison.Ordinal);
        await daemon.LogsAsync("left before its first call was answered: it may not believe this daemon's certificate", Token);

        // A wrong one leaves all as it was.
        _pki.Write("server", days: -0.1).Dispose();
        daemon.Signal(1);
        await daemon.LogsAsync("The configuration was not changed: tls: Unable to import the server certificate", Token);
        await using (await Connection.OpenAsync(TlsUri(), cancellationToken: Token))
        {
        }

        using X509Certificate2 client = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_pki.Path, "clientcert.pem"));
        _pki.Write("server", hosts: "127.0.0.1").Dispose();
        daemon.Signal(1);
        await daemon.LogsAsync("Read the configuration and the certificates again; changed: servercert.pem", Token);
        await using (await Connection.OpenAsync(byAddress, cancellationToken: Token))
        {
        }

        // One that is taken back meanwhile does not come again.
        string own = Client("own");
        _pki.Revoke(1, client);
        daemon.Signal(1);
        await daemon.LogsAsync("Read the configuration and the certificates again; changed: cacrl.pem", Token);
        _ = await Connection.OpenAsync(byAddress.Replace(_pki.Path, own, StringComparison.Ordinal), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
        _ = await before.ListDomainsAsync(cancellationToken: Token);
        daemon.Signal(1);
        await daemon.LogsAsync("Read the configuration and the certificates again; nothing changed", Token);

        // Whoever removed the list by mistake is told what that means.
        const string gone = "cacrl.pem is gone: clients whose certificates it revoked can connect from now on";
        Assert.DoesNotContain(gone, daemon.Errors, StringComparison.Ordinal);
        File.Delete(Path.Combine(_pki.Path, "cacrl.pem"));
        daemon.Signal(1);
        await daemon.LogsAsync(gone, Token);
        await Deadline.UntilAsync(Deadline.Default, "the change", _ => Task.FromResult(daemon.Errors.Split("changed: cacrl.pem").Length == 3), Token);
    }

    [Fact]
    public async Task One_address_has_only_so_many_places()
    {
        using PrivateDirectory directory = new();
        string config = directory.File("ballastd.conf");
        await File.WriteAllTextAsync(config, "max_address_clients = 2\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, ["--config", config, .. Ports]);
        await using (await Connection.OpenAsync(TlsUri(), cancellationToken: Token))
        await using (await Connection.OpenAsync(TcpUri, cancellationToken: Token))
        {
            _ = await Assert.ThrowsAsync<LibvirtException>(() => Connection.OpenAsync(TlsUri(), cancellationToken: Token).AsTask());
            await daemon.LogsAsync("too many clients of its address", Token);
            await using Connection local = await Connection.OpenAsync(daemon.Uri, cancellationToken: Token);

            // Every user of this host has all addresses of loopback.
            foreach ((int port, int last) in new[] { (_tls.Port, 2), (_tcp.Port, 3) })
            {
                using Socket other = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                other.Bind(new IPEndPoint(IPAddress.Parse($"127.9.0.{last}"), 0));
                other.Connect(IPAddress.Loopback, port);
                await daemon.LogsAsync($"Client {other.LocalEndPoint} was refused: there are too many clients of its address", Token);
            }
        }

        // Theirs are given back, a moment after they went.
        await Deadline.UntilAsync(Deadline.Default, "a place", async token =>
        {
            try
            {
                await using Connection next = await Connection.OpenAsync(TlsUri(), cancellationToken: token);
                return true;
            }
            catch (LibvirtException)
            {
                return false;
            }
        }, Token);
    }

    [Theory]
    [InlineData("--tcp 192.0.2.1:0", "tcp: 192.0.2.1 is not an address of loopback, and TCP has neither encryption nor authentication: use tls, or allow it")]
    [InlineData("--tcp [::ffff:192.0.2.1]:0", "tcp: 192.0.2.1 is not an address of loopback")]
    [InlineData("--tcp localhost:0", "--tcp: 'localhost:0' is not an address and a port, such as 192.0.2.1:16509 or [::]:16509")]
    [InlineData("--tcp 127.0.0.1:65536", "--tcp: '127.0.0.1:65536' is not an address and a port")]
    [InlineData("--tcp-anywhere=1", "--tcp-anywhere takes no value")]
    [InlineData("--tls 127.0.0.1:0 --pki /not/there", "tls: Cannot read CA certificate '/not/there/cacert.pem': No such file or directory")]
    public async Task What_is_not_meant_is_refused(string arguments, string message)
    {
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, arguments.Split(' ')), 2, message);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, ["--check", .. arguments.Split(' ')]), 2, message);
    }

    [Fact]
    public async Task A_port_has_one_daemon_and_the_next_one_has_it_at_once()
    {
        using PrivateDirectory directory = new();
        string[] second = ["--socket", directory.File("sock"), "--tcp", $"127.0.0.1:{_tcp.Port}"];
        await using (BallastDaemon daemon = await BallastDaemon.StartAsync(Token, Ports))
        {
            await using Connection client = await Connection.OpenAsync(TcpUri, cancellationToken: Token);
            foreach (string[] arguments in (string[][])[second, ["--check", .. second]])
            {
                DaemonRun.IsRefused(
                    await DaemonRun.ToEndAsync(Token, arguments), 1,
                    $"cannot listen on 127.0.0.1:{_tcp.Port}: Address already in use: stop the program that does, or choose another port");
            }

            Assert.Equal(0, await daemon.TerminateAsync(Token));
        }

        // Though the connections of the former one are remembered by the kernel.
        await using BallastDaemon next = await BallastDaemon.StartAsync(Token, Ports);
        await using Connection again = await Connection.OpenAsync(TcpUri, cancellationToken: Token);
        _ = await again.ListDomainsAsync(cancellationToken: Token);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1", "0.0.0.0", "127.0.0.1")]
    [InlineData("127.0.0.1", "[::]", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.1")]
    public async Task Both_listeners_do_not_share_a_port(string tcp, string tls, string both)
    {
        string[] arguments = ["--tcp-anywhere", "--tcp", $"{tcp}:{_tcp.Port}", "--tls", $"{tls}:{_tcp.Port}", "--pki", _pki.Path];
        using PrivateDirectory directory = new();
        foreach (string[] way in (string[][])[[], ["--check"]])
        {
            DaemonRun.IsRefused(
                await DaemonRun.ToEndAsync(Token, [.. way, "--socket", directory.File("sock"), .. arguments]), 2,
                $"tcp and tls both have port {_tcp.Port} of {both}: give them different ports");
        }
    }

    [Fact]
    [Trait("needs", "virsh")]
    public async Task A_damaged_list_of_revoked_certificates_lets_nobody_in()
    {
        using X509Certificate2 revoked = _pki.Write("client");
        using TestPki other = TestPki.Create();
        other.Revoke();
        string others = await File.ReadAllTextAsync(Path.Combine(other.Path, "cacrl.pem"), Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, Ports);
        await using (await Connection.OpenAsync(TlsUri(), cancellationToken: Token))
        {
        }

        _pki.Revoke(1, revoked);
        string list = Path.Combine(_pki.Path, "cacrl.pem"), whole = await File.ReadAllTextAsync(list, Token), part = whole[..(whole.Length / 2)];
        int times = 0;
        foreach (string damaged in (string[])[others + "\n" + part, part + "\n" + others])
        {
            await File.WriteAllTextAsync(list, damaged, Token);
            daemon.Signal(1);
            times++;
            await Deadline.UntilAsync(
                Deadline.Default, "the error", _ => Task.FromResult(
                    daemon.Errors.Split($"The configuration was not changed: tls: Unable to import CA CRL {list}: it has a list that cannot be read").Length == times + 1), Token);
            DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, ["--check", "--tls", "127.0.0.1:0", "--pki", _pki.Path]), 2, "Unable to import CA CRL");

            // Clients take it for as little as the daemon, and as virsh.
            LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => Connection.OpenAsync(TlsUri(), cancellationToken: Token).AsTask());
            Assert.Contains($"Unable to import CA CRL {list}", error.Message, StringComparison.Ordinal);
            CommandResult virsh = await ChildProcess.RunAsync("virsh", ["-c", TlsUri(), "uri"], new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token);
            Assert.Equal(1, virsh.ExitCode);
            Assert.Contains("cacrl.pem", virsh.Errors, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(list, others + "\n" + whole, Token);
        daemon.Signal(1);
        await daemon.LogsAsync("Read the configuration and the certificates again; changed: cacrl.pem", Token);
        _ = await Connection.OpenAsync(TlsUri(Client("own")), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
    }

    [Fact]
    public async Task An_address_of_IPv4_in_the_form_of_IPv6_is_that_of_IPv4()
    {
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--tcp", $"[::ffff:127.0.0.1]:{_tcp.Port}");
        Assert.Contains($", TCP 127.0.0.1:{_tcp.Port}", daemon.Errors, StringComparison.Ordinal);
        await using Connection client = await Connection.OpenAsync(TcpUri, cancellationToken: Token);
        _ = await client.ListDomainsAsync(cancellationToken: Token);
    }

    [Fact]
    public async Task A_check_looks_at_certificates_permissions_and_ports()
    {
        using PrivateDirectory directory = new();
        string[] check = ["--check", "--socket", directory.File("sock"), .. Ports];
        CommandResult right = await DaemonRun.ToEndAsync(Token, check);
        Assert.Equal((0, ""), (right.ExitCode, right.Errors));
        Assert.EndsWith($", TCP 127.0.0.1:{_tcp.Port}, TLS 127.0.0.1:{_tls.Port}\n", right.Output, StringComparison.Ordinal);

        string key = Path.Combine(_pki.Path, "serverkey.pem");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, check), 2, $"everybody may read the private key {key}: chmod 600 {key}");
        _pki.Write("server", days: -0.1).Dispose();
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, check), 2, "it has expired");
        _pki.Write("server").Dispose();

        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        DaemonRun.IsRefused(
            await DaemonRun.ToEndAsync(Token, ["--check", "--socket", directory.File("sock"), "--tcp", $"{listener.LocalEndPoint}"]), 1, $"cannot listen on {listener.LocalEndPoint}: Address already in use: stop the program that does");
    }

    [Fact]
    [Trait("needs", "libvirtd")]
    public async Task Libvirts_daemon_lets_the_same_clients_in_and_refuses_the_same()
    {
        using (X509Certificate2 revoked = _pki.Write("client", "C=GB, O=Ballast, CN=revoked"))
            _pki.Revoke(1, revoked);
        string taken = Client("taken");
        _pki.Write("client", "C=GB, O=Others, CN=x").Dispose();
        string unlisted = Client("unlisted");
        _pki.Write("client", isAuthority: true).Dispose();
        string authority = Client("authority");
        _pki.Write("client", use: "any").Dispose();
        string nobody = _pki.Copy("nobody", "cacert.pem");
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(_tcp.Port, Token, (_tls.Port, _pki.Path), ["C=GB,O=Ballast,*"]);
        await using (Connection connection = await Connection.OpenAsync(TlsUri(), cancellationToken: Token))
            Assert.Equal("QEMU", connection.DriverType);
        foreach (string directory in (string[])[taken, unlisted, authority, nobody])
        {
            LibvirtException error = await Connection.OpenAsync(TlsUri(directory), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
            Assert.StartsWith(Refused, error.Message, StringComparison.Ordinal);
        }

        LibvirtException plain = await Connection.OpenAsync($"qemu+tcp://127.0.0.1:{_tls.Port}/system", cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Contains("qemu+tls", plain.Message, StringComparison.Ordinal);
        LibvirtException tls = await Connection.OpenAsync($"qemu+tls://localhost:{_tcp.Port}/system?pkipath={_pki.Path}", cancellationToken: Token)
            .AsTask().FailsAsync(ErrorCode.AuthenticationFailed);
        Assert.Contains("closed the connection: if TLS is not spoken there", tls.Message, StringComparison.Ordinal);
    }

    private static async Task<bool> MayChangeAsync(string uri)
    {
        await using Connection connection = await Connection.OpenAsync(uri.Replace("/system", "/default", StringComparison.Ordinal)
            .Replace("qemu+", "test+", StringComparison.Ordinal), cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        try
        {
            await domain.SetMemoryAsync(1 << 20, cancellationToken: Token);
            return true;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationDenied)
        {
            return false;
        }
    }

    private static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    private static Task<int> FilesAsync(BallastDaemon daemon) => Task.FromResult(Directory.GetFiles($"/proc/{daemon.Pid}/fd").Length);

    private string Client(string name) => Directory.Exists(Path.Combine(_pki.Path, name))
        ? Path.Combine(_pki.Path, name)
        : _pki.Copy(name, "cacert.pem", "clientcert.pem", "clientkey.pem");

    // What is wrong with the own certificate is left for the daemon to find.
    private string TlsUri(string? directory = null) => $"qemu+tls://localhost:{_tls.Port}/system?pkipath={directory ?? _pki.Path}{(directory is null ? "" : "&no_sanity=1")}";
}
