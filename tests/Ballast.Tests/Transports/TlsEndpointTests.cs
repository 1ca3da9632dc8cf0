using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>What a client says of servers that it does not believe, or that do not behave.</summary>
public sealed class TlsEndpointTests : IDisposable
{
    private readonly TestPki _pki = TestPki.Create();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pki.Dispose();

    [Theory]
    [InlineData("wrong authority", "it is not signed by an authority of cacert.pem")]
    [InlineData("expired", "it has expired")]
    [InlineData("too early", "it is not valid before")]
    [InlineData("wrong name", "owner does not match the hostname localhost: name the host as its certificate does")]
    [InlineData("name behind an address", "owner does not match the hostname localhost: name the host as its certificate does")]
    [InlineData("revoked", "it was revoked (cacrl.pem)")]
    [InlineData("old list", "the list of revoked certificates (cacrl.pem) is out of date")]
    [InlineData("wrong use", "it is not made for this use")]
    public async Task A_server_that_is_not_believed_is_refused_with_the_reason(string fault, string message)
    {
        using TestPki other = TestPki.Create(byCurve: true);
        TestPki its = fault == "wrong authority" ? other : _pki;
        using X509Certificate2 shown = fault switch
        {
            "expired" => its.Write("server", from: -1, days: -0.1),
            "too early" => its.Write("server", from: 0.5, days: 1),
            "wrong name" => its.Write("server", hosts: "elsewhere 127.0.0.1"),
            "name behind an address" => its.Write("server", "CN=localhost", hosts: "127.0.0.1"),
            "wrong use" => its.Write("server", use: "client"),
            _ => its.Write("server"),
        };
        if (fault is "revoked")
            _pki.Revoke(1, shown);
        else if (fault is "old list")
            _pki.Revoke(-0.1);
        using Server server = new(its.Path);
        LibvirtException error = await Connection.OpenAsync(Uri(server) + "&no_sanity=1", cancellationToken: Token).AsTask().FailsAsync(ErrorCode.AuthenticationFailed);
        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        Assert.StartsWith("authentication failed: Failed to verify peer's certificate: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);

        // Who wants no look at it gets as far as the daemon's word, which does not come here.
        error = await Connection.OpenAsync(Uri(server) + "&no_verify=1&no_sanity=1", cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
        Assert.StartsWith("server verification (of our certificate or IP address) failed: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CN=localhost", "localhost", true)]
    [InlineData("CN=127.0.0.1", "127.0.0.1", false)]
    public async Task The_common_name_is_a_hosts_name_and_no_address(string name, string host, bool isTaken)
    {
        _pki.Write("server", name, hosts: "").Dispose();
        using Server server = new(_pki.Path);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => Connection.OpenAsync(
            Uri(server).Replace("localhost", host, StringComparison.Ordinal), cancellationToken: Token).AsTask());
        Assert.Equal(isTaken ? ErrorCode.Rpc : ErrorCode.AuthenticationFailed, error.Code);
        Assert.NotEqual(isTaken, error.Message.Contains($"owner does not match the hostname {host}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_of_either_of_two_authorities_with_one_name_is_believed(bool isFirst)
    {
        using TestPki other = TestPki.Create();
        string mine = await File.ReadAllTextAsync(_pki.Authority, Token), others = await File.ReadAllTextAsync(other.Authority, Token);
        await File.WriteAllTextAsync(_pki.Authority, isFirst ? $"{mine}\n{others}\n" : $"{others}\n{mine}\n", Token);
        using Server server = new(_pki.Path);
        _ = await Connection.OpenAsync(Uri(server), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
    }

    [Theory]
    [InlineData("cacert.pem", null, ErrorCode.SystemError, "Cannot read CA certificate '{0}': No such file or directory")]
    [InlineData("cacert.pem", "nothing", ErrorCode.SystemError, "Unable to import CA certificate {0}: it has no certificate in the form PEM")]
    [InlineData("clientkey.pem", "nothing", ErrorCode.SystemError, "Unable to import private key {0}: it is not a key in the form PEM that fits the certificate")]
    [InlineData("clientkey.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", ErrorCode.SystemError, "Unable to import private key {0}: it wants a password")]
    [InlineData("clientcert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ErrorCode.SystemError, "Unable to import certificate {0}: it has a certificate that cannot be read")]
    [InlineData("cacrl.pem", "nothing", ErrorCode.SystemError, "Unable to import CA CRL {0}: it has no list in the form PEM")]
    [InlineData("cacrl.pem", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", ErrorCode.SystemError, "Unable to import CA CRL {0}: it has a list that cannot be read")]
    public async Task Files_that_are_no_use_are_named(string name, string? text, ErrorCode code, string message)
    {
        string directory = _pki.Copy("own", "cacert.pem", "clientcert.pem", "clientkey.pem"), file = Path.Combine(directory, name);
        if (text is null)
            File.Delete(file);
        else
            await File.WriteAllTextAsync(file, text, Token);
        LibvirtException error = await Connection.OpenAsync($"qemu+tls://localhost:1/system?pkipath={directory}", cancellationToken: Token).AsTask().FailsAsync(code);
        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        Assert.Contains(string.Format(System.Globalization.CultureInfo.InvariantCulture, message, file), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_own_certificate_is_looked_at_first_unless_nobody_wants_that()
    {
        _pki.Write("client", from: -1, days: -0.1).Dispose();
        using HeldPort held = new();
        string uri = $"qemu+tls://localhost:{held.Port}/system?pkipath={_pki.Path}";
        LibvirtException error = await Connection.OpenAsync(uri, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Contains("Unable to import the client certificate", error.Message, StringComparison.Ordinal);
        Assert.Contains("it has expired", error.Message, StringComparison.Ordinal);
        error = await Connection.OpenAsync(uri + "&no_sanity=1", cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Contains("Connection refused", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("silent", ErrorCode.OperationTimeout, "did not open the connection within 0.6 s")]
    [InlineData("cut off", ErrorCode.AuthenticationFailed, "closed the connection")]
    [InlineData("plain text", ErrorCode.AuthenticationFailed, "does not speak TLS there: use the port for it (16514), or qemu+tcp")]
    [InlineData("endless", ErrorCode.AuthenticationFailed, "TLS handshake failed")]
    [InlineData("alert", ErrorCode.AuthenticationFailed, "ended the handshake at once")]
    [InlineData("no word", ErrorCode.OperationTimeout, "did not open the connection within 0.6 s")]
    [InlineData("wrong word", ErrorCode.Rpc, "server verification (of our certificate or IP address) failed")]
    [InlineData("end", ErrorCode.Rpc, "server verification (of our certificate or IP address) failed")]
    public async Task Servers_that_do_not_behave_keep_nobody(string way, ErrorCode code, string message)
    {
        using Server server = new(_pki.Path, way);
        LibvirtException error = await Connection.OpenAsync(
            $"{Uri(server)}{(code == ErrorCode.OperationTimeout ? "&timeout=600ms" : "")}", cancellationToken: Token).AsTask().FailsAsync(code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_is_gone_before_its_word_is_told_from_one_that_refuses()
    {
        // Killed and replaced: the next one is there.
        using (Server replaced = new(_pki.Path, "gone once"))
        {
            await using ITransport transport = await ConnectAsync(replaced);
            Assert.Equal(2, replaced.Clients);
        }

        // As libvirt's daemons refuse: the same again.
        using (Server refusing = new(_pki.Path, "end"))
        {
            LibvirtException refused = await Connection.OpenAsync(Uri(refusing), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
            Assert.StartsWith("server verification (of our certificate or IP address) failed", refused.Message, StringComparison.Ordinal);
            Assert.Equal(2, refusing.Clients);
        }

        // As ballastd refuses: it says good-bye.
        using (Server polite = new(_pki.Path, "good-bye"))
        {
            LibvirtException refused = await Connection.OpenAsync(Uri(polite), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.Rpc);
            Assert.StartsWith("server verification (of our certificate or IP address) failed", refused.Message, StringComparison.Ordinal);
            Assert.Equal(1, polite.Clients);
        }

        using Server broken = new(_pki.Path, "reset");
        LibvirtException lost = await Connection.OpenAsync(Uri(broken), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.StartsWith("the daemon broke the connection off after the handshake", lost.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_in_the_handshake_can_be_cancelled()
    {
        using Server server = new(_pki.Path, "silent");
        using CancellationTokenSource cancelled = new();
        Task opening = Connection.OpenAsync(Uri(server), cancellationToken: cancelled.Token).AsTask();
        await server.Came.WaitAsync(Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
    }

    [Theory]
    [InlineData(new byte[] { 0x15, 3, 3, 0, 2, 2, 70 }, "speaks TLS there: use qemu+tls")]
    [InlineData(new byte[0], "closed the connection without an answer: if it speaks TLS there, use qemu+tls")]
    public async Task A_client_without_TLS_is_told_what_may_be_there(byte[] answer, string message)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = AnswerAsync();
        LibvirtException error = await Connection.OpenAsync($"qemu+tcp://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/system", cancellationToken: Token)
            .AsTask().FailsAsync(ErrorCode.SystemError);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        await serving;

        async Task AnswerAsync()
        {
            using Socket client = await listener.AcceptSocketAsync(Token);
            _ = await client.ReceiveAsync(new byte[1024], Token);
            await client.SendAsync(answer, Token);
        }
    }

    [Fact]
    public async Task Every_byte_comes_whatever_the_records_are()
    {
        foreach (int record in (int[])[1400, 2800, 4200, 5600, 11200, 16380])
        {
            using Server server = new(_pki.Path, $"records of {record}");
            await using ITransport transport = await ConnectAsync(server);
            int come = 0;
            while (come < Server.SentBytes)
            {
                ReadResult read = await transport.Input.ReadAsync(Token);
                Assert.False(read.IsCompleted && read.Buffer.IsEmpty, $"after {come} bytes the end came");
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                {
                    Assert.True(piece.Span.SequenceEqual(Server.Sent.AsSpan(come, piece.Length)), $"from byte {come} on, others came");
                    come += piece.Length;
                }

                transport.Input.AdvanceTo(read.Buffer.End);
            }
        }
    }

    [Fact]
    public async Task A_server_that_sends_no_record_after_the_login_leaves_no_socket_open_and_no_other_error()
    {
        using Server server = new(_pki.Path, "no record");
        ITransport transport = await ConnectAsync(server);
        _ = await Assert.ThrowsAsync<IOException>(() => transport.Input.ReadAsync(Token).AsTask());
        await transport.DisposeAsync();
        await Deadline.WithinAsync(Deadline.Default, "end of the connection", server.Closed.WaitAsync, Token);
    }

    private async Task<ITransport> ConnectAsync(Server server) => await new TlsEndpoint(
        new TcpEndpoint("localhost", server.Port), PkiFiles.In(_pki.Path, isServer: false), Verifies: true, ChecksOwn: true)
        .ConnectAsync(Deadline.Default, TimeProvider.System, Token);

    private string Uri(Server server) => $"qemu+tls://localhost:{server.Port}/system?pkipath={_pki.Path}";

    /// <summary>A server on loopback that behaves in one way to each client.</summary>
    private sealed class Server : IDisposable
    {
        public const int SentBytes = 500_000;

        public static readonly byte[] Sent = RandomBytes();

        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _serving;

        public Server(string directory, string way = "end")
        {
            _listener.Start();
            _serving = ServeAsync(directory, way);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public Task Came => _came.Task;

        /// <summary>Those that came so far.</summary>
        public int Clients { get; private set; }

        /// <summary>The client closed its socket, where the way looks at that.</summary>
        public Task Closed => _closed.Task;

        public void Dispose()
        {
            _stop.Cancel();
            _serving.Wait(Deadline.Default);
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task ServeAsync(string directory, string way)
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    using Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                    await using NetworkStream stream = new(client);
                    Clients++;
                    _came.TrySetResult();
                    await ServeAsync(stream, directory, way, _stop.Token);
                }
                catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or AuthenticationException)
                {
                    // The client has gone, or the test is over.
                }
            }
        }

        private static byte[] RandomBytes()
        {
            byte[] bytes = new byte[SentBytes];
            new Random(SentBytes).NextBytes(bytes);
            return bytes;
        }

        private async Task ServeAsync(NetworkStream stream, string directory, string way, CancellationToken stop)
        {
            switch (way)
            {
                case "silent":
                    await Task.Delay(Timeout.Infinite, stop);
                    return;
                case "cut off":
                    _ = await stream.ReadAsync(new byte[1], stop);
                    return;
                case "plain text":
                    await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), stop);
                    await Task.Delay(Timeout.Infinite, stop);
                    return;
                case "alert":
                    await stream.WriteAsync(new byte[] { 0x15, 3, 1, 0, 2, 2, 70 }, stop);
                    await Task.Delay(Timeout.Infinite, stop);
                    return;
                case "endless":
                    // A message of 16 MiB in records of the largest size.
                    byte[] record = new byte[5 + 16384];
                    byte[] head = [0x16, 3, 3, 0x40, 0, 2, 0xFF, 0xFF, 0xFF];
                    head.CopyTo(record, 0);
                    while (true)
                        await stream.WriteAsync(record, stop);
            }

            await using SslStream tls = new(stream);
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile($"{directory}/servercert.pem", $"{directory}/serverkey.pem");
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop);
            if (way is "no record" || way.StartsWith("records of ", StringComparison.Ordinal))
            {
                await tls.WriteAsync(new byte[] { 1 }, stop);
                await SpeakAsync(tls, stream, way, stop);
            }
            else if (way == "good-bye")
                await tls.ShutdownAsync();
            else if (way == "reset")
                stream.Socket.LingerState = new LingerOption(true, 0);
            else if (way == "gone once" && Clients > 1)
                await tls.WriteAsync(new byte[] { 1 }, stop);
            else if (way == "wrong word")
                await tls.WriteAsync("0"u8.ToArray(), stop);
            else if (way == "no word")
                await Task.Delay(Timeout.Infinite, stop);
        }

        private async Task SpeakAsync(SslStream tls, NetworkStream stream, string way, CancellationToken stop)
        {
            if (way == "no record")
            {
                // Data, by its head.
                await stream.WriteAsync((byte[])[0x17, 3, 3, 0, 64, .. new byte[64]], stop);
                try
                {
                    while (await stream.ReadAsync(new byte[1024], stop) > 0)
                    {
                    }
                }
                catch (IOException)
                {
                    // It closed before it read all.
                }

                _closed.TrySetResult();
                return;
            }

            int record = int.Parse(way.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
            for (int done = 0; done < SentBytes; done += record)
                await tls.WriteAsync(Sent.AsMemory(done, Math.Min(record, SentBytes - done)), stop);
            _ = await tls.ReadAsync(new byte[1], stop);
        }
    }
}
