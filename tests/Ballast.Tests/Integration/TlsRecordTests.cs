using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>ballastd's TLS below the calls: records of any size, and those that are no records.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class TlsRecordTests : IDisposable
{
    private readonly TestPki _pki = TestPki.Create();
    private readonly HeldPort _tls = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _tls.Dispose();
        _pki.Dispose();
    }

    [Fact]
    public async Task Every_call_is_answered_whatever_the_records_are()
    {
        const int calls = 2400;
        await using BallastDaemon daemon = await StartAsync($"127.0.0.1:{_tls.Port}");
        foreach (int callsPerRecord in (int[])[1, 50, 100, 150, 200, 201, 300, 400, 585])
        {
            using Client client = await Client.ConnectAsync(IPAddress.Loopback, _tls.Port, _pki.Path);
            await client.OpenAsync();
            Task sending = Task.Run(
                async () =>
                {
                    for (int sent = 0; sent < calls; sent += callsPerRecord)
                        await client.Tls.WriteAsync(Capabilities(sent, Math.Min(callsPerRecord, calls - sent)), Token);
                },
                Token);

            // It reads when it has said all.
            await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(2), Token));
            HashSet<uint> answered = [];
            byte[]? first = null;
            while (answered.Count < calls)
            {
                (RpcHeader header, byte[] payload) = await client.ReceiveAsync();
                Assert.Equal(RpcStatus.Ok, header.Status);
                Assert.True(answered.Add(header.Serial) && header.Serial < calls, $"{header.Serial} was answered twice, or never asked");
                Assert.Equal(first ??= payload, payload);
            }

            await sending;
        }
    }

    [Fact]
    public async Task A_client_that_sends_no_record_after_its_login_is_closed_and_nothing_else_happens()
    {
        await using BallastDaemon daemon = await StartAsync($"127.0.0.1:{_tls.Port}");
        for (int i = 0; i < 5; i++)
        {
            using Client client = await Client.ConnectAsync(IPAddress.Loopback, _tls.Port, _pki.Path);
            await client.OpenAsync();

            // Data, by its head.
            byte[] record = [0x17, 3, 3, 0, 64, .. new byte[64]];
            await client.Socket.SendAsync(record, Token);
            await client.EndAsync();
        }

        Assert.DoesNotContain("nhandled", daemon.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("error:", daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_breaks_before_the_first_call_has_one_line_in_the_log()
    {
        await using BallastDaemon daemon = await StartAsync($"127.0.0.1:{_tls.Port}");
        using (Client client = await Client.ConnectAsync(IPAddress.Loopback, _tls.Port, _pki.Path))
        {
            await client.Socket.SendAsync(new byte[] { 0x17, 3, 3, 0xff, 0xff }, Token);
            await client.EndAsync();
        }

        await daemon.LogsAsync(": its TLS connection failed: ", Token);
        _ = await daemon.TerminateAsync(Token);
        Assert.DoesNotContain("before its first call", daemon.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_address_is_of_IPv4_too()
    {
        if (!Socket.OSSupportsIPv6)
        {
            // There is no such address: the start fails, and says which setting it was.
            InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync($"[::]:{_tls.Port}"));
            Assert.Contains("tls", refused.Message, StringComparison.Ordinal);
            return;
        }

        using HeldPort tcp = new();
        await using BallastDaemon daemon = await StartAsync(
            $"[::]:{_tls.Port}", "--tcp", $"[::]:{tcp.Port}", "--tcp-anywhere");
        foreach (IPAddress address in (IPAddress[])[.. Loopback.HasIPv6 ? [IPAddress.IPv6Loopback] : Array.Empty<IPAddress>(), IPAddress.Loopback])
        {
            using Client client = await Client.ConnectAsync(address, _tls.Port, _pki.Path);
            await client.OpenAsync();
            using Socket wrong = await ConnectAsync(address, _tls.Port), plain = await ConnectAsync(address, tcp.Port);

            // A first byte that is not TLS's: it is refused, and named in the log by the address that it has.
            await wrong.SendAsync(new byte[] { 0, 0, 0, 28 }, Token);
            await daemon.LogsAsync($"Client {wrong.LocalEndPoint} was refused: it speaks plain text", Token);
            await plain.SendAsync(new byte[] { 0x16, 3, 1, 0 }, Token);
            await daemon.LogsAsync($"Client {plain.LocalEndPoint} was refused: it speaks TLS", Token);
        }
    }

    private Task<BallastDaemon> StartAsync(string address, params string[] more) =>
        BallastDaemon.StartAsync(Token, ["--tls", address, "--pki", _pki.Path, .. more]);

    private static byte[] Capabilities(int first, int count)
    {
        byte[] bytes = new byte[count * RpcHeader.FrameOverhead];
        for (int i = 0; i < count; i++)
        {
            new RpcHeader(RpcPrograms.Remote, RpcPrograms.Version, (int)RemoteProcedure.ConnectGetCapabilities, RpcType.Call, (uint)(first + i), RpcStatus.Ok)
                .Write(bytes.AsSpan(i * RpcHeader.FrameOverhead), 0);
        }

        return bytes;
    }

    private static async Task<Socket> ConnectAsync(IPAddress address, int port)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address, port, Token);
        return socket;
    }

    /// <summary>A client that was let in by its certificate and says what a test wants.</summary>
    private sealed class Client(Socket socket, SslStream tls) : IDisposable
    {
        public Socket Socket => socket;

        public SslStream Tls => tls;

        public static async Task<Client> ConnectAsync(IPAddress address, int port, string pki)
        {
            Socket socket = await TlsRecordTests.ConnectAsync(address, port);
            Client client = new(socket, new SslStream(new NetworkStream(socket)));
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile($"{pki}/clientcert.pem", $"{pki}/clientkey.pem");
            X509ChainPolicy policy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile($"{pki}/cacert.pem") },
            };
            await client.Tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificates = [certificate], CertificateChainPolicy = policy }, Token);
            Assert.Equal([1], await client.ReadAsync(1));
            return client;
        }

        public async Task OpenAsync()
        {
            byte[] name = Convert.FromHexString(RawClient.Text("test:///default", isOptional: true) + "00000000");
            foreach ((RemoteProcedure procedure, byte[] payload) in ((RemoteProcedure, byte[])[])[(RemoteProcedure.AuthList, []), (RemoteProcedure.ConnectOpen, name)])
            {
                byte[] frame = new byte[RpcHeader.FrameOverhead + payload.Length];
                new RpcHeader(RpcPrograms.Remote, RpcPrograms.Version, (int)procedure, RpcType.Call, 0, RpcStatus.Ok).Write(frame, payload.Length);
                payload.CopyTo(frame, RpcHeader.FrameOverhead);
                await tls.WriteAsync(frame, Token);
                Assert.Equal(RpcStatus.Ok, (await ReceiveAsync()).Header.Status);
            }
        }

        public async Task<(RpcHeader Header, byte[] Payload)> ReceiveAsync()
        {
            byte[] length = await ReadAsync(RpcLimits.LengthBytes);
            byte[] rest = await ReadAsync(BinaryPrimitives.ReadInt32BigEndian(length) - RpcLimits.LengthBytes);
            return (RpcHeader.Read(rest), rest[RpcLimits.HeaderBytes..]);
        }

        /// <summary>Until the server closes; what it says of the end is not looked at.</summary>
        public Task EndAsync() => Deadline.WithinAsync(
            Deadline.Default, "end of the connection",
            async token =>
            {
                try
                {
                    while (await socket.ReceiveAsync(new byte[4096], token) > 0)
                    {
                    }
                }
                catch (SocketException)
                {
                    // It closed before it read all.
                }
            },
            Token);

        public void Dispose() => tls.Dispose();

        private async Task<byte[]> ReadAsync(int count)
        {
            byte[] bytes = new byte[count];
            await Deadline.WithinAsync(Deadline.Default, "answer", token => tls.ReadExactlyAsync(bytes, token).AsTask(), Token);
            return bytes;
        }
    }
}
