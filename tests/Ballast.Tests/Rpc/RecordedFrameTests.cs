using System.Buffers.Binary;
using Ballast.Fuzz.Wire;
using Ballast.Recorder;
using Ballast.Rpc;
using Ballast.Server.Dispatch;

namespace Ballast.Tests.Rpc;

/// <summary>Whole frames between unmodified clients and a real daemon, as tests/Ballast.Recorder keeps them.</summary>
public sealed class RecordedFrameTests
{
    /// <summary>
    /// Served, but not asked for where the frames were recorded: only a daemon with polkit offers the one, and one that wants
    /// passwords the others, which SaslTests hold against a real daemon and real clients.
    /// </summary>
    private static readonly RemoteProcedure[] NotRecorded =
        [RemoteProcedure.AuthPolkit, RemoteProcedure.AuthSaslInit, RemoteProcedure.AuthSaslStart, RemoteProcedure.AuthSaslStep];

    public static TheoryData<string> Names { get; } = [.. Recordings.All.Select(frame => frame.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_recorded_frame_is_read_and_written_byte_for_byte(string name)
    {
        RecordedFrame frame = Recordings.All.Single(frame => frame.Name == name);
        Type? message = WireMessages.Of(frame.Header);
        Assert.NotNull(message);
        byte[] payload = WireMessages.Recode(message, frame.Payload.ToArray());
        Assert.Equal(Convert.ToHexString(frame.Bytes), Convert.ToHexString(Frames.Of(frame.Header, payload)));
        Assert.StartsWith($"{frame.Header.Procedure} ", name, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_recorded_message_that_is_cut_or_spoiled_is_refused_or_read_but_nothing_else(string name)
    {
        RecordedFrame frame = Recordings.All.Single(frame => frame.Name == name);
        Type message = WireMessages.Of(frame.Header)!;
        byte[] payload = frame.Payload.ToArray();
        for (int length = 0; length < payload.Length; length++)
            Assert.Throws<XdrException>(() => WireMessages.Recode(message, payload[..length]));
        for (int at = 0; at < payload.Length; at++)
            ReadAnyway(message, payload, bytes => bytes[at] ^= 0xFF);
        foreach (uint word in (uint[])[0, 3, 27, 1u << 31, uint.MaxValue])
        {
            for (int at = 0; at + 4 <= payload.Length; at += 4)
                ReadAnyway(message, payload, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), word));
        }
    }

    [Fact]
    public void Every_procedure_that_is_served_was_recorded_with_its_answer()
    {
        foreach (int procedure in RemoteProgram.Handlers.Keys.Where(procedure => !NotRecorded.Contains((RemoteProcedure)procedure)))
        {
            RecordedFrame[] frames = [.. Recordings.All.Where(frame => frame.Header.Program == RpcPrograms.Remote && frame.Header.Procedure == procedure)];
            Assert.True(frames.Any(frame => frame.IsFromClient) && frames.Any(frame => !frame.IsFromClient), $"{(RemoteProcedure)procedure} was not recorded");
        }
    }

    private static void ReadAnyway(Type message, byte[] payload, Action<byte[]> spoil)
    {
        byte[] bytes = [.. payload];
        spoil(bytes);
        try
        {
            _ = WireMessages.Recode(message, bytes);
        }
        catch (XdrException)
        {
            // Refused: as good as read.
        }
    }
}
