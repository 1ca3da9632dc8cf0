using System.Buffers.Binary;
using System.Reflection;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Tests.Rpc;

/// <summary>Layouts against a real daemon's messages, against a pinned text, and against hostile bytes.</summary>
public sealed class MessageTests
{
    private const string LayoutsFile = "Golden/rpc-layouts.txt";

    public static TheoryData<string> Frames { get; } = [.. GoldenFrame.All.Select(frame => frame.Name)];

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_real_daemons_message_is_read_and_written_byte_for_byte(string name)
    {
        GoldenFrame frame = GoldenFrame.All.Single(frame => frame.Name == name);
        Assert.Equal(Convert.ToHexString(frame.Payload), Convert.ToHexString(frame.Recode(frame.Payload)));
        Assert.Equal(Convert.ToHexString(frame.Payload), Convert.ToHexString(frame.Recode([.. frame.Payload, 1, 2, 3])));
    }

    [Theory]
    [MemberData(nameof(Frames))]
    public void Hostile_bytes_are_refused_or_read_but_nothing_else(string name)
    {
        GoldenFrame frame = GoldenFrame.All.Single(frame => frame.Name == name);
        for (int length = 0; length < frame.Payload.Length; length++)
            Assert.Throws<XdrException>(() => frame.Recode(frame.Payload[..length]));
        for (int at = 0; at < frame.Payload.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
                ReadAnyway(frame, bytes => bytes[at] ^= (byte)(1 << bit));
            ReadAnyway(frame, bytes => bytes[at] = (byte)~bytes[at]);
        }

        foreach (uint length in (uint[])[0, 3, 27, 1u << 31, uint.MaxValue])
        {
            for (int at = 0; at + 4 <= frame.Payload.Length; at += 4)
                ReadAnyway(frame, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), length));
        }
    }

    [Fact]
    public void A_count_that_the_bytes_cannot_hold_allocates_nothing_for_it()
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(bytes, RpcLimits.MaxStatsParameters);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Assert.Throws<XdrException>(() => XdrReader.Read<ListAllDomainsReply>(bytes));
        const long perFailure = 16 * 1024;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * perFailure);
    }

    [Fact]
    public void True_is_any_word_but_zero_and_is_written_as_one()
    {
        byte[] strange = Convert.FromHexString("01000000" + "00000001" + "41000000" + "00000000");
        Assert.Equal("A", XdrReader.Read<OpenArgs>(strange).Name);
        GoldenFrame open = GoldenFrame.All.Single(frame => frame.Name == "open session");
        Assert.Equal("00000001" + "00000001" + "41000000" + "00000000", Convert.ToHexString(open.Recode(strange)));
    }

    [Fact]
    public void An_unknown_type_of_parameter_is_refused()
    {
        byte[] parameter = Convert.FromHexString("00000001" + "61000000" + "00000008" + "0000000000000000");
        Assert.Throws<XdrException>(() => XdrReader.Read<RemoteParameter>(parameter));
    }

    [Fact]
    public void The_layouts_are_the_pinned_ones()
    {
        string[] layouts =
        [
            .. RemoteProgram.Handlers.OrderBy(pair => pair.Key).Select(pair =>
                $"{pair.Key} {(RemoteProcedure)pair.Key}({Describe(pair.Value.Types.Arguments)}) -> {Describe(pair.Value.Types.Reply)}"),
            .. WireMessages.Events.OrderBy(pair => pair.Key).Select(pair => $"{(int)pair.Key} {pair.Key}: {Describe(pair.Value)}"),
            $"{nameof(RemoteError)}: {Describe(typeof(RemoteError))}",
            $"ballast 1 Sample({Describe(typeof(SampleArgs))}) -> {Describe(typeof(SamplesReply))}",
            $"ballast 2 Refresh({Describe(typeof(RefreshArgs))}) -> {Describe(typeof(SamplesReply))}",
            $"ballast 3 Watch({Describe(typeof(WatchArgs))}) -> {Describe(typeof(Nothing))}",
            $"ballast 4 Unwatch({Describe(typeof(UnwatchArgs))}) -> {Describe(typeof(Nothing))}",
            $"ballast 5 WatchSamples: {Describe(typeof(WatchSamplesEvent))}",
            $"ballast 6 WatchEnded: {Describe(typeof(WatchEndedEvent))}",
            $"ballast 7 HostMemory({Describe(typeof(HostMemoryArgs))}) -> {Describe(typeof(HostMemoryReply))}",
            $"ballast 8 ProcessMemory({Describe(typeof(ProcessMemoryArgs))}) -> {Describe(typeof(ProcessMemoryReply))}",
            $"ballast 9 Version({Describe(typeof(Nothing))}) -> {Describe(typeof(VersionReply))}",
        ];
        Assert.Equal(File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, LayoutsFile)), layouts);
    }

    private static void ReadAnyway(GoldenFrame frame, Action<byte[]> spoil)
    {
        byte[] bytes = [.. frame.Payload];
        spoil(bytes);
        try
        {
            _ = frame.Recode(bytes);
        }
        catch (XdrException)
        {
            // Refused: as good as read.
        }
    }

    private static string Describe(Type message) =>
        (string)typeof(XdrDescriber).GetMethod(nameof(XdrDescriber.Describe), BindingFlags.Static | BindingFlags.Public)!
            .MakeGenericMethod(message).Invoke(null, null)!;
}
