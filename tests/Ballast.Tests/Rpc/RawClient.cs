using System.Buffers.Binary;
using System.Net.Sockets;
using Ballast.Rpc;

namespace Ballast.Tests.Rpc;

/// <summary>A client that sends whatever a test wants.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private uint _serial;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<RawClient> ConnectAsync(string path, bool authenticate = true, string? open = "test:///default")
    {
        RawClient client = new();
        await client._socket.ConnectAsync(new UnixDomainSocketEndPoint(path), Token);
        if (authenticate)
            _ = await client.CallAsync(RemoteProcedure.AuthList, "");
        if (authenticate && open is not null)
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectOpen, Text(open, isOptional: true) + "00000000")).Header.Status);
        return client;
    }

    /// <summary>XDR of a string, in hex.</summary>
    public static string Text(string text, bool isOptional = false)
    {
        string hex = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text));
        return $"{(isOptional ? "00000001" : "")}{text.Length:x8}{hex}{new string('0', (8 - (hex.Length % 8)) % 8)}";
    }

    public async Task<(RpcHeader Header, byte[] Payload)> CallAsync(RemoteProcedure procedure, string payload)
    {
        await SendAsync(new RpcHeader(RpcPrograms.Remote, 1, (int)procedure, RpcType.Call, _serial++, RpcStatus.Ok), payload);
        return await ReceiveAsync();
    }

    public async Task<LibvirtException> FailAsync(RemoteProcedure procedure, string payload) => Error(await CallAsync(procedure, payload));

    public static LibvirtException Error((RpcHeader Header, byte[] Payload) reply)
    {
        Assert.Equal(RpcStatus.Error, reply.Header.Status);
        Ballast.Rpc.Messages.RemoteError error = XdrReader.Read<Ballast.Rpc.Messages.RemoteError>(reply.Payload);
        return new LibvirtException((ErrorCode)error.Code, (ErrorOrigin)error.Origin, error.Message!);
    }

    public Task SendAsync(RpcHeader header, string payload)
    {
        byte[] bytes = Convert.FromHexString(payload);
        byte[] frame = new byte[RpcHeader.FrameOverhead + bytes.Length];
        header.Write(frame, bytes.Length);
        bytes.CopyTo(frame, RpcHeader.FrameOverhead);
        return SendRawAsync(frame);
    }

    public async Task SendRawAsync(byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += await _socket.SendAsync(bytes.AsMemory(sent), Token);
    }

    public async Task<(RpcHeader Header, byte[] Payload)> ReceiveAsync()
    {
        byte[] length = await ReadAsync(RpcLimits.LengthBytes);
        byte[] rest = await ReadAsync(BinaryPrimitives.ReadInt32BigEndian(length) - RpcLimits.LengthBytes);
        return (RpcHeader.Read(rest), rest[RpcLimits.HeaderBytes..]);
    }

    /// <summary>Reads until the server closes.</summary>
    public async Task EndAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await _socket.ReceiveAsync(buffer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(15), Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset is closed too.
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReadAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int more = await _socket.ReceiveAsync(bytes.AsMemory(read), Token).AsTask().WaitAsync(TimeSpan.FromSeconds(15), Token);
            read += more > 0 ? more : throw new EndOfStreamException();
        }

        return bytes;
    }
}
