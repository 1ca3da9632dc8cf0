using System.Buffers.Binary;

namespace Ballast.Rpc;

internal enum RpcType
{
    Call = 0,
    Reply = 1,

    /// <summary>An event, or a keepalive message.</summary>
    Message = 2,
    Stream = 3,
    CallWithFds = 4,
    ReplyWithFds = 5,
    StreamHole = 6,
}

internal enum RpcStatus
{
    Ok = 0,
    Error = 1,
    Continue = 2,
}

/// <summary>What stands in front of every message, behind its length.</summary>
internal readonly record struct RpcHeader(uint Program, uint Version, int Procedure, RpcType Type, uint Serial, RpcStatus Status)
{
    private const int Word = 4;

    /// <summary>Whole frame: length word, header, payload.</summary>
    public const int FrameOverhead = RpcLimits.LengthBytes + RpcLimits.HeaderBytes;

    public static RpcHeader Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32BigEndian(bytes),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[Word..]),
        BinaryPrimitives.ReadInt32BigEndian(bytes[(2 * Word)..]),
        (RpcType)BinaryPrimitives.ReadInt32BigEndian(bytes[(3 * Word)..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[(4 * Word)..]),
        (RpcStatus)BinaryPrimitives.ReadInt32BigEndian(bytes[(5 * Word)..]));

    /// <summary>Length word and header of a frame with so many bytes of payload.</summary>
    public void Write(Span<byte> bytes, int payloadBytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes, FrameOverhead + payloadBytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[Word..], Program);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[(2 * Word)..], Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes[(3 * Word)..], Procedure);
        BinaryPrimitives.WriteInt32BigEndian(bytes[(4 * Word)..], (int)Type);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[(5 * Word)..], Serial);
        BinaryPrimitives.WriteInt32BigEndian(bytes[(6 * Word)..], (int)Status);
    }
}

/// <summary>The programs that share a connection.</summary>
internal static class RpcPrograms
{
    public const uint Remote = 0x20008086;

    /// <summary>libvirt's programs of one hypervisor each.</summary>
    public const uint Qemu = 0x20008087, Lxc = 0x20008088;

    public const uint Keepalive = 0x6b656570;

    /// <summary>Ours: what libvirt's protocol cannot carry.</summary>
    public const uint Ballast = 0x42414C4C;

    public const uint Version = 1;

    public const int KeepalivePing = 1, KeepalivePong = 2;
}
