using System.Buffers.Binary;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Fuzz.Wire;

/// <summary>What a server must answer to what a client sent, by rules that are simpler than the server.</summary>
internal sealed class ServerOracle
{
    private const int LongestMessage = 4 * 1024 * 1024, LongestBeforeLetIn = 64 * 1024;

    private readonly List<RpcHeader> _missing = [];
    private int _missingPongs;

    /// <param name="sent">All that the client sent.</param>
    /// <param name="isLetIn">Whether it was let in before.</param>
    public ServerOracle(ReadOnlySpan<byte> sent, bool isLetIn)
    {
        // Who is let in by the same input may meet either limit, as the bytes arrive.
        int longest = isLetIn ? LongestMessage : LongestBeforeLetIn;
        while (sent.Length >= RpcLimits.LengthBytes && !EndsConnection)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(sent);
            EndsConnection = length < RpcHeader.FrameOverhead || length > longest;
            if (EndsConnection || length > sent.Length)
                break;
            RpcHeader header = Frames.Header(sent[..(int)length]);
            sent = sent[(int)length..];
            Expect(header, ref isLetIn);
        }
    }

    /// <summary>Whether the server closes the connection: then answers may be missing.</summary>
    public bool EndsConnection { get; private set; }

    /// <summary>Whether something must still come.</summary>
    public bool IsWaiting => !EndsConnection && (_missing.Count > 0 || _missingPongs > 0);

    /// <summary>Takes what the server sent.</summary>
    /// <returns>What it was, in kind.</returns>
    /// <exception cref="FuzzException">It must not have sent that.</exception>
    public int Take(byte[] frame)
    {
        RpcHeader header = Frames.Header(frame);
        Type? message = WireMessages.Of(header);
        FuzzException.Require(message is not null, $"it sent what nobody knows: {header}");
        byte[] payload = Frames.Payload(frame);
        FuzzException.Require(WireMessages.Recode(message!, payload).AsSpan().SequenceEqual(payload), $"it sent what no decoder takes: {header}");
        if (header.Type == RpcType.Reply)
            TakeReply(header, payload);
        else if (header.Program == RpcPrograms.Keepalive)
            FuzzException.Require(header == RpcKeepalive.Pong && (--_missingPongs >= 0 || EndsConnection), $"nobody asked for {header}");
        return HashCode.Combine(header.Type, header.Procedure, header.Status);
    }

    private void TakeReply(in RpcHeader header, byte[] payload)
    {
        FuzzException.Require(
            _missing.Remove(header with { Type = RpcType.Call, Status = RpcStatus.Ok }) || EndsConnection, $"nobody asked for {header}");
        if (header.Status != RpcStatus.Error)
            return;
        RemoteError error = XdrReader.Read<RemoteError>(payload);
        FuzzException.Require(error is { Code: > 0, Level: 2, Message.Length: > 0 }, "the error says nothing");
    }

    private void Expect(in RpcHeader header, ref bool isLetIn)
    {
        if (RpcKeepalive.IsPing(header))
            _missingPongs++;
        else if (header.Type is RpcType.Call or RpcType.CallWithFds)
            _missing.Add(header with { Type = RpcType.Call, Status = RpcStatus.Ok });
        if (header is not { Program: RpcPrograms.Remote, Version: RpcPrograms.Version, Type: RpcType.Call, Status: RpcStatus.Ok })
            return;
        isLetIn |= header.Procedure is (int)RemoteProcedure.AuthList or (int)RemoteProcedure.AuthPolkit;
        EndsConnection = isLetIn && header.Procedure == (int)RemoteProcedure.ConnectClose;
    }
}
