using System.Buffers;
using Ballast.Rpc;
using CsCheck;

namespace Ballast.Tests.Rpc;

/// <summary>What is written in pieces of any size comes out whole, message after message.</summary>
public sealed class MessageBufferTests
{
    [Fact]
    public void What_goes_in_comes_out_message_after_message()
    {
        MessageBuffer buffer = new(new SparePieces());
        Gen.OneOf(Gen.Int[0, 40], Gen.Int[1000, 1100], Gen.Int[32_700, 32_800], Gen.Int[60_000, 300_000]).List[0, 40].Sample(lengths =>
        {
            buffer.Clear();
            ArrayBufferWriter<byte> expected = new(), actual = new();
            byte next = 0;
            foreach (int length in lengths)
            {
                Span<byte> room = buffer.GetSpan(length)[..length];
                foreach (ref byte one in room)
                    one = next++;
                expected.Write(room);
                buffer.Advance(length);
            }

            buffer.CopyTo(actual);
            return buffer.WrittenCount == expected.WrittenCount && actual.WrittenSpan.SequenceEqual(expected.WrittenSpan);
        }, iter: 300, threads: 1);
    }

    [Fact]
    public void A_long_message_makes_no_large_objects_once_another_was_written()
    {
        MessageBuffer buffer = new(new SparePieces());
        Write();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Write();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);

        void Write()
        {
            buffer.Clear();
            for (int i = 0; i < SparePieces.Bytes * SparePieces.Most / 8; i++)
            {
                buffer.GetSpan(8)[..8].Clear();
                buffer.Advance(8);
            }
        }
    }

    [Fact]
    public void More_than_there_is_room_for_is_refused()
    {
        MessageBuffer buffer = new(new SparePieces());
        int room = buffer.GetMemory(10).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(room + 1));
    }
}
