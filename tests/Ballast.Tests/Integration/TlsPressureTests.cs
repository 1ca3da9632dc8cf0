using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Server.Tls;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>ballastd's TLS where a client does little, or many do, and where OpenSSL is missing.</summary>
[Trait("needs", "qemu")]
[SupportedOSPlatform("linux")]
public sealed class TlsPressureTests : IDisposable
{
    private readonly TestPki _pki = TestPki.Create();
    private readonly HeldPort _tls = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string[] Port => ["--tls", $"127.0.0.1:{_tls.Port}", "--pki", _pki.Path];

    private string Uri => $"qemu+tls://localhost:{_tls.Port}/system?pkipath={_pki.Path}";

    public void Dispose()
    {
        _tls.Dispose();
        _pki.Dispose();
    }

    [Fact]
    public async Task Handshakes_that_come_drop_by_drop_keep_nobody_waiting()
    {
        // More than there are threads for them, and fewer than one address may have at a time.
        const int slow = 18;
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, Port);
        List<Socket> sockets = [.. Enumerable.Range(0, slow).Select(_ => Connect())];
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] dribbling = [.. sockets.Select(socket => DribbleAsync(socket, end.Token))];
        await Task.Delay(TimeSpan.FromMilliseconds(200), Token);

        // Each of them has ten seconds.
        await Deadline.WithinAsync(TimeSpan.FromSeconds(5), "a connection beside them", async token =>
        {
            await using Connection good = await Connection.OpenAsync(Uri, cancellationToken: token);
            _ = await good.ListDomainsAsync(cancellationToken: token);
        }, Token);
        foreach (Socket socket in sockets)
            await daemon.LogsAsync($"Client {socket.LocalEndPoint} was refused: it did not complete the handshake within 10 s", Token);
        await end.CancelAsync();
        await Task.WhenAll(dribbling);
        sockets.ForEach(static socket => socket.Dispose());

        static async Task DribbleAsync(Socket socket, CancellationToken token)
        {
            try
            {
                // The head of a long hello, and then a byte at a time.
                await socket.SendAsync(new byte[] { 0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb, 3, 3 }, token);
                while (true)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20), token);
                    await socket.SendAsync(new byte[1], token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // The daemon has enough of it.
            }
        }
    }

    [Fact]
    public async Task Clients_of_other_hosts_leave_files_for_those_of_this_one()
    {
        const int files = 200;
        using PrivateDirectory directory = new();
        string config = directory.File("ballastd.conf");
        await File.WriteAllTextAsync(config, "max_address_clients = 1000\n", Token);
        await using BallastDaemon daemon = await BallastDaemon.StartThroughAsync(
            ["prlimit", $"--nofile={files}"], Token, ["--config", config, "--qmp", directory.Path, .. Port]);
        List<Socket> sockets = [.. Enumerable.Range(0, files).Select(_ => Connect())];
        await daemon.LogsAsync($"Further clients are refused: of {files} files", Token);
        using (RawClient client = await RawClient.ConnectAsync(daemon.SocketPath))
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectNumOfDomains, "")).Header.Status);
        sockets.ForEach(static socket => socket.Dispose());
    }

    [Fact]
    public async Task Keys_may_be_changed_but_not_again_and_again()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();

        // It says something, and changes its keys, and wants ours changed, at each K.
        const string said = "hello\n";
        await using ChildProcess client = await ChildProcess.StartAsync(
            "sh", ["-c", "while echo hello; do sleep 0.01; echo K; sleep 0.01; done | openssl s_client -tls1_3 -connect \"$0\" >/dev/null 2>&1", $"{listener.LocalEndPoint}"]);
        using Socket socket = await listener.AcceptAsync(Token);
        await using TlsStream tls = new(TlsAccess.Load(_pki.Path, allowed: null, readers: [], TimeProvider.System).Context, new NetworkStream(socket));
        await tls.AcceptAsync(Token);
        await tls.WriteAsync(new byte[] { 1 }, Token);
        List<byte> got = [];
        IOException end = await Assert.ThrowsAsync<IOException>(() => Deadline.WithinAsync(Deadline.Default, "its end", ReadAsync, Token));
        Assert.Contains("changes its keys again and again", end.Message, StringComparison.Ordinal);
        string text = Encoding.ASCII.GetString([.. got]);
        Assert.True(text.Split(said).Length > 10 && text.Replace(said, "", StringComparison.Ordinal).Replace("K\n", "", StringComparison.Ordinal).Length == 0, text);

        async Task ReadAsync(CancellationToken token)
        {
            byte[] buffer = new byte[100];
            while (true)
            {
                int count = await tls.ReadAsync(buffer, token);
                Assert.NotEqual(0, count);
                got.AddRange(buffer.AsSpan(0, count));
            }
        }
    }

    [Fact]
    public async Task Who_lacks_OpenSSL_is_told_what_to_install()
    {
        // The runtime has loaded it for the certificates above.
        string library = File.ReadLines("/proc/self/maps").First(line => line.Contains("/libssl.so.3", StringComparison.Ordinal)).Split(' ')[^1];
        const string told = "TLS needs the system's OpenSSL (libssl.so.3): install it (Debian 12: libssl3; Debian 13: libssl3t64)";
        using PrivateDirectory directory = new();
        CommandResult daemon = await WithoutAsync(
            BallastDaemon.Program, "--config", "/dev/null", "--check", "--socket", directory.File("sock"), "--tls", "127.0.0.1:0", "--pki", _pki.Path);
        Assert.Equal((2, $"ballastd: tls: {told}\n"), (daemon.ExitCode, daemon.Errors));
        CommandResult client = await WithoutAsync(BallastProgram.Path, "-c", Uri, "list");
        Assert.Equal(1, client.ExitCode);
        Assert.Contains(told, client.Errors, StringComparison.Ordinal);

        Task<CommandResult> WithoutAsync(params string[] command) => ChildProcess.RunAsync(
            "unshare", ["--mount", "sh", "-c", "mount --bind /dev/null \"$0\" && exec \"$@\"", library, .. command],
            new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token);
    }

    private Socket Connect()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, _tls.Port);
        return socket;
    }
}
