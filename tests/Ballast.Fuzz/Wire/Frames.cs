using System.Buffers.Binary;
using Ballast.Rpc;

namespace Ballast.Fuzz.Wire;

/// <summary>Frames as bytes.</summary>
internal static class Frames
{
    public static byte[] Of(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[RpcHeader.FrameOverhead + payload.Length];
        header.Write(frame, payload.Length);
        payload.CopyTo(frame.AsSpan(RpcHeader.FrameOverhead));
        return frame;
    }

    /// <param name="procedure">Of libvirt's program.</param>
    /// <param name="serial">The call's number.</param>
    /// <param name="payload">The arguments, in hex.</param>
    public static byte[] Call(RemoteProcedure procedure, uint serial, string payload = "") =>
        Of(new RpcHeader(RpcPrograms.Remote, RpcPrograms.Version, (int)procedure, RpcType.Call, serial, RpcStatus.Ok), Convert.FromHexString(payload));

    public static RpcHeader Header(ReadOnlySpan<byte> frame) => RpcHeader.Read(frame[RpcLimits.LengthBytes..]);

    public static byte[] Payload(ReadOnlySpan<byte> frame) => frame[RpcHeader.FrameOverhead..].ToArray();

    /// <summary>The same frame with another serial.</summary>
    public static byte[] WithSerial(ReadOnlySpan<byte> frame, uint serial)
    {
        const int serialWord = 20;
        byte[] changed = frame.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(serialWord), serial);
        return changed;
    }

    /// <summary>Length of the frame that begins there, at least its overhead; null where its bytes are not all there.</summary>
    public static int? Length(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= RpcHeader.FrameOverhead
        && BinaryPrimitives.ReadUInt32BigEndian(bytes) is >= RpcHeader.FrameOverhead and <= int.MaxValue and var length && length <= bytes.Length
            ? (int)length
            : null;
}
