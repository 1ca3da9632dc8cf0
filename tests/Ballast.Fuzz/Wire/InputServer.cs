using Ballast.Rpc;

namespace Ballast.Fuzz.Wire;

/// <summary>Sends the input, for each call up to the next reply; and ends with it.</summary>
internal sealed class InputServer(byte[] input) : IFakeServer
{
    public static byte[] Addressed(ReadOnlySpan<byte> frame, uint serial) =>
        Frames.Header(frame) is { Type: RpcType.Reply, Serial: 0 } ? Frames.WithSerial(frame, serial) : frame.ToArray();

    public async Task ServeAsync(PipedPeer client)
    {
        int at = 0;
        while (at < input.Length && await client.ReceiveAsync() is { } call)
        {
            RpcHeader header = Frames.Header(call);
            if (header.Type == RpcType.Call)
                at = Feed(client, at, header.Serial);
        }

        client.EndOfFile();
        while (await client.ReceiveAsync() is not null)
        {
        }
    }

    private int Feed(PipedPeer client, int at, uint serial)
    {
        while (at < input.Length)
        {
            ReadOnlySpan<byte> rest = input.AsSpan(at);
            int length = Frames.Length(rest) ?? rest.Length;
            bool isReply = length >= RpcHeader.FrameOverhead && Frames.Header(rest[..length]) is { Type: RpcType.Reply, Serial: 0 };
            client.Send(length >= RpcHeader.FrameOverhead ? Addressed(rest[..length], serial) : rest[..length]);
            at += length;
            if (isReply)
                break;
        }

        return at;
    }
}
