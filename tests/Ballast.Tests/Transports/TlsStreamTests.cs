using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Server;
using Ballast.Server.Tls;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>The server's side of TLS, beside .NET's client.</summary>
[SupportedOSPlatform("linux")]
public sealed class TlsStreamTests : IDisposable
{
    private const byte Data = 0x17;

    private readonly TestPki _pki = TestPki.Create();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pki.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12, 1)]
    [InlineData(SslProtocols.Tls12, 40_000)]
    [InlineData(SslProtocols.Tls13, 1)]
    [InlineData(SslProtocols.Tls13, 4095)]
    [InlineData(SslProtocols.Tls13, 300_000)]
    public async Task Every_byte_comes_in_its_place_both_ways(SslProtocols version, int piece)
    {
        const int total = 300_000, fewer = 2000;
        byte[] sent = new byte[piece == 1 ? fewer : total];
        new Random(1).NextBytes(sent);
        await using Pair pair = await Pair.MakeAsync(_pki, version);
        await Task.WhenAll(
            SendAsync(pair.Client, sent, piece), SendAsync(pair.Server, sent, piece),
            ReceiveAsync(pair.Client, sent), ReceiveAsync(pair.Server, sent));

        // It ends with TLS's own good-bye, both ways.
        await pair.Client.ShutdownAsync();
        Assert.Equal(0, await pair.Server.ReadAsync(new byte[1], Token));
        await pair.Server.EndAsync(Deadline.Default);
        Assert.Equal(0, await pair.Client.ReadAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Nothing_but_what_is_written_comes_behind_the_handshake()
    {
        // libvirt's clients look once for one byte, and would find a session ticket.
        await using Pair pair = await Pair.MakeAsync(_pki, SslProtocols.Tls13);
        Assert.Equal(0, pair.ClientSocket.Available);
        await pair.Server.WriteAsync(new byte[] { 1 }, Token);
        byte[] record = new byte[256];
        int count = await pair.ClientSocket.ReceiveAsync(record, Token);
        Assert.Equal((Data, count), (record[0], 5 + (record[3] << 8) + record[4]));
    }

    [Fact]
    public async Task What_is_no_record_ends_the_connection()
    {
        await using Pair pair = await Pair.MakeAsync(_pki, SslProtocols.Tls13);
        await pair.ClientSocket.SendAsync((byte[])[Data, 3, 3, 0, 64, .. new byte[64]], Token);
        IOException error = await Assert.ThrowsAsync<IOException>(() => ReadAsync(pair.Server));
        Assert.Contains("bad record mac", error.Message, StringComparison.Ordinal);
        Assert.Equal(error.Message, pair.Server.Fault);

        // The client learns it, too, as RFC 8446 wants.
        IOException told = await Assert.ThrowsAsync<IOException>(() => ReadAsync(pair.Client));
        Assert.Contains("alert bad record mac", TlsProtocols.Words(told), StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<IOException>(() => ReadAsync(pair.Server));
        _ = await Assert.ThrowsAsync<IOException>(() => pair.Server.WriteAsync(new byte[1], Token).AsTask());
        await pair.Server.EndAsync(Deadline.Default);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_cut_is_no_end(SslProtocols version)
    {
        await using Pair pair = await Pair.MakeAsync(_pki, version);
        await pair.Client.WriteAsync(new byte[] { 7 }, Token);
        pair.ClientSocket.Shutdown(SocketShutdown.Send);
        byte[] got = new byte[2];
        Assert.Equal((1, 7), (await pair.Server.ReadAsync(got, Token), got[0]));
        Assert.Equal(0, await pair.Server.ReadAsync(Memory<byte>.Empty, Token));
        IOException error = await Assert.ThrowsAsync<IOException>(() => ReadAsync(pair.Server));
        Assert.Contains("without a TLS close notification", error.Message, StringComparison.Ordinal);
        Assert.Null(pair.Server.Fault);
        _ = await Assert.ThrowsAsync<IOException>(() => pair.Server.WriteAsync(new byte[1], Token).AsTask());
    }

    [Fact]
    public async Task Who_has_ended_it_finds_an_end()
    {
        await using Pair pair = await Pair.MakeAsync(_pki, SslProtocols.Tls12);
        await pair.Server.DisposeAsync();
        _ = await Assert.ThrowsAsync<IOException>(() => ReadAsync(pair.Server));
        _ = await Assert.ThrowsAsync<IOException>(() => pair.Server.WriteAsync(new byte[1], Token).AsTask());
    }

    [Fact]
    public async Task A_wait_can_be_cancelled()
    {
        await using Pair pair = await Pair.MakeAsync(_pki, SslProtocols.Tls13);
        using CancellationTokenSource end = new();
        ValueTask<int> reading = pair.Server.ReadAsync(new byte[1], end.Token);
        Assert.False(reading.IsCompleted);
        await end.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
    }

    [Fact]
    public void A_certificate_that_was_believed_is_not_any_longer_than_it_lasts()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 other = _pki.Write("client", "CN=other"), client = _pki.Write("client", "CN=good", days: 1);
        _pki.Revoke(nextUpdateDays: 0.5, other);
        TlsAccess access = Load();
        CertificateName good = new("CN=good", IsRead: true);
        Assert.Equal((null, good), access.Judge([client.RawData], now));
        Assert.Equal((null, good), access.Judge([client.RawData], now));

        // What is shown beside it is part of it, and what another shows is not.
        Assert.Contains("it was revoked", access.Judge([other.RawData], now).Fault, StringComparison.Ordinal);
        Assert.Equal((null, good), access.Judge([client.RawData, other.RawData], now));
        Assert.Contains("it was revoked", access.Judge([other.RawData, client.RawData], now).Fault, StringComparison.Ordinal);
        Assert.Contains("out of date", access.Judge([client.RawData], now.AddDays(0.6)).Fault, StringComparison.Ordinal);
        Assert.Contains("it has expired", access.Judge([client.RawData], now.AddDays(1.1)).Fault, StringComparison.Ordinal);
        Assert.Contains("it is not valid before", access.Judge([client.RawData], now.AddDays(-1.5)).Fault, StringComparison.Ordinal);

        // The next reading of the files begins anew.
        _pki.Revoke(nextUpdateDays: 1, client);
        Assert.Equal((null, good), access.Judge([client.RawData], now));
        Assert.Contains("it was revoked", Load().Judge([client.RawData], now).Fault, StringComparison.Ordinal);

        TlsAccess Load() => TlsAccess.Load(_pki.Path, allowed: null, readers: [], TimeProvider.System);
    }

    [Fact]
    public async Task A_handshake_signed_with_a_key_that_only_keeps_others_computing_ends()
    {
        // 2^80 + 1 as the exponent.
        CommandResult made = await ChildProcess.RunAsync(
            "openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:1208925819614629174706177"], cancellationToken: Token);
        using RSA key = RSA.Create();
        key.ImportFromPem(made.Output);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        X509Certificate2 costly = new CertificateRequest("CN=B", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        AuthenticationException error = await Assert.ThrowsAsync<AuthenticationException>(() => Pair.MakeAsync(_pki, SslProtocols.Tls13, costly));
        Assert.Contains("certificate verify failed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_GnuTLS_takes_for_no_clients_certificate_is_none()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        TlsAccess access = TlsAccess.Load(_pki.Path, allowed: null, readers: [], TimeProvider.System);
        using X509Certificate2 authority = _pki.Write("client", isAuthority: true), nameless = _pki.Write("client", ""), sealing = _pki.Write("client", keyUsage: X509KeyUsageFlags.KeyEncipherment);
        Assert.Contains("it is an authority's (basic constraints), not a client's", access.Judge([authority.RawData], now).Fault, StringComparison.Ordinal);
        Assert.Contains("its certificate has no name", access.Judge([nameless.RawData], now).Fault, StringComparison.Ordinal);
        Assert.Contains("its key usage does not allow digital signatures", access.Judge([sealing.RawData], now).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void What_openssl_cnf_calls_too_weak_is_refused()
    {
        // Of OpenSSL's level 2, which is Debian's: 112 bits.
        TlsAccess access = TlsAccess.Load(_pki.Path, allowed: null, readers: [], TimeProvider.System);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        foreach ((int bits, bool isRefused) in new[] { (1024, true), (2048, false) })
        {
            using X509Certificate2 client = _pki.Write("client", rsaBits: bits);
            Assert.Equal(isRefused, access.Judge([client.RawData], now).Fault?.Contains("too weak for the security level of openssl.cnf here (2)", StringComparison.Ordinal) == true);
        }
    }

    [Fact]
    public void A_client_shows_only_so_many_certificates()
    {
        TlsAccess access = TlsAccess.Load(_pki.Path, allowed: null, readers: [], TimeProvider.System);
        using X509Certificate2 client = _pki.Write("client");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Assert.Null(access.Judge([.. Enumerable.Repeat(client.RawData, 16)], now).Fault);
        Assert.Contains("more than 16 certificates", access.Judge([.. Enumerable.Repeat(client.RawData, 17)], now).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_read_already_comes_first()
    {
        using MemoryStream rest = new([4, 5]);
        await using LedStream stream = new(new byte[] { 1, 2, 3 }, rest);
        byte[] got = new byte[2];
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Token));
        Assert.Equal((2, 1, 2), (await stream.ReadAsync(got, Token), got[0], got[1]));
        Assert.Equal((1, 3), (await stream.ReadAsync(got, Token), got[0]));
        Assert.Equal((2, 4, 5), (await stream.ReadAsync(got, Token), got[0], got[1]));
        Assert.Equal(0, await stream.ReadAsync(got, Token));
    }

    private static Task<int> ReadAsync(Stream stream) => stream.ReadAsync(new byte[1], Token).AsTask();

    private static async Task SendAsync(Stream stream, byte[] bytes, int piece)
    {
        for (int done = 0; done < bytes.Length; done += piece)
            await stream.WriteAsync(bytes.AsMemory(done, Math.Min(piece, bytes.Length - done)), Token);
    }

    private static Task ReceiveAsync(Stream stream, byte[] expected) => Deadline.WithinAsync(
        Deadline.Default, "all bytes",
        async token =>
        {
            byte[] got = new byte[expected.Length];
            for (int come = 0; come < got.Length;)
            {
                Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, token));
                int count = await stream.ReadAsync(got.AsMemory(come), token);
                Assert.NotEqual(0, count);
                come += count;
            }

            Assert.Equal(expected, got);
        },
        Token);

    /// <summary>A client and a server that have shaken hands.</summary>
    private sealed class Pair(Socket clientSocket, SslStream client, Socket serverSocket, TlsStream server) : IAsyncDisposable
    {
        public Socket ClientSocket => clientSocket;

        public SslStream Client => client;

        public TlsStream Server => server;

        public static async Task<Pair> MakeAsync(TestPki pki, SslProtocols version, X509Certificate2? shown = null)
        {
            using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            Socket here = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await here.ConnectAsync(listener.LocalEndPoint!, Token);
            Socket there = await listener.AcceptAsync(Token);
            TlsAccess access = TlsAccess.Load(pki.Path, allowed: null, readers: [], TimeProvider.System);
            Pair pair = new(here, new SslStream(new NetworkStream(here)), there, new TlsStream(access.Context, new NetworkStream(there)));
            using X509Certificate2 certificate = shown ?? X509Certificate2.CreateFromPemFile($"{pki.Path}/clientcert.pem", $"{pki.Path}/clientkey.pem");
            X509ChainPolicy policy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile($"{pki.Path}/cacert.pem") },
            };
            Task accepting = pair.Server.AcceptAsync(Token).AsTask();
            Task connecting = pair.Client.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificates = [certificate], CertificateChainPolicy = policy, EnabledSslProtocols = version }, Token);
            if (version == SslProtocols.Tls12)
            {
                // The end of this handshake goes with the first byte.
                await accepting;
                await pair.Server.WriteAsync(new byte[] { 1 }, Token);
                await connecting;
                await pair.Client.ReadExactlyAsync(new byte[1], Token);
            }

            await Task.WhenAll(accepting, connecting);
            Assert.Equal(version, pair.Client.SslProtocol);
            Assert.Equal(certificate.RawData, Assert.Single(pair.Server.PeerCertificates()));
            return pair;
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await server.DisposeAsync();
            clientSocket.Dispose();
            serverSocket.Dispose();
        }
    }
}
