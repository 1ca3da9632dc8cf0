using Ballast.Rpc;
using Ballast.Server;
using Ballast.Server.Authentication;

namespace Ballast.Fuzz.Wire;

/// <summary>A client of a server in memory, without a socket.</summary>
internal sealed class PipedClient : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private readonly CancellationTokenSource _stop = new();
    private readonly PipedPeer _peer;
    private uint _serial;

    /// <param name="server">Whose client it is.</param>
    /// <param name="isReadOnly">Whether it came by a way that only reads.</param>
    /// <param name="unread">Bytes that it may leave unread before the server cannot write; 0: any number.</param>
    /// <param name="uid">Whose it is.</param>
    /// <param name="authentication">How it has to prove who it is; null: it need not.</param>
    public PipedClient(LibvirtServer server, bool isReadOnly = false, long unread = 0, uint uid = 0, ClientAuthentication? authentication = null)
    {
        PipePair pipes = new(unread);
        _peer = new PipedPeer(pipes.Far);
        Served = server.ServeAsync(pipes.Near, isReadOnly, uid, null, _stop.Token, authentication: authentication);
    }

    /// <summary>Ends when the server is done with it.</summary>
    public Task Served { get; }

    /// <summary>Connected, let in, and with that connection open.</summary>
    public static async Task<PipedClient> OpenAsync(LibvirtServer server, string name, bool isReadOnly = false, uint flags = 0, long unread = 0, uint uid = 0)
    {
        PipedClient client = new(server, isReadOnly, unread, uid);
        _ = await client.CallAsync(RemoteProcedure.AuthList);
        (RpcHeader header, _) = await client.CallAsync(RemoteProcedure.ConnectOpen, $"00000001{Text(name)}{flags:x8}");
        FuzzException.Require(header.Status == RpcStatus.Ok, $"{name} was not opened");
        return client;
    }

    /// <summary>XDR of a string, in hex.</summary>
    public static string Text(string text)
    {
        string hex = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text));
        return $"{hex.Length / 2:x8}{hex}{new string('0', (8 - (hex.Length % 8)) % 8)}";
    }

    public void Send(ReadOnlySpan<byte> bytes) => _peer.Send(bytes);

    public void EndOfFile() => _peer.EndOfFile();

    public Task<byte[]?> ReceiveAsync() => _peer.ReceiveAsync();

    public byte[] TakeBytes(int most) => _peer.TakeBytes(most);

    public byte[]? TryReceive() => _peer.TryReceive();

    public async Task<(RpcHeader Header, byte[] Payload)> CallAsync(RemoteProcedure procedure, string payload = "")
    {
        Send(Frames.Call(procedure, _serial++, payload));
        byte[] reply = await ReceiveAsync() ?? throw new FuzzException("the server closed the connection");
        return (Frames.Header(reply), Frames.Payload(reply));
    }

    /// <summary>Waits until the server has ended by itself; what it still sends is read.</summary>
    public async Task EndedAsync()
    {
        while (await ReceiveAsync() is not null)
        {
        }

        await Served.WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        EndOfFile();
        await _stop.CancelAsync();
        await Served.WaitAsync(Deadline);
        _stop.Dispose();
    }
}
