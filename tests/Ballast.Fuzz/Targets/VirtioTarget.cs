using Ballast.Virtio;

namespace Ballast.Fuzz.Targets;

/// <summary>The codec of the statistics queue: first a byte that chooses byte order and room, then what a guest posted.</summary>
internal sealed class VirtioTarget : FuzzTarget
{
    private const int Margin = 32;

    private static readonly BalloonStatistic Untouched = new(0xA5A5, 0xA5A5A5A5A5A5A5A5);

    public override string Name => "virtio";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0, 0], [5, 0], [0, 5], [16, 0], [0x67, 0x12], [0xFF, 0xFF], [0, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 0, 0, 0, 0x80],
    ];

    public override int Run(byte[] input)
    {
        if (input.Length == 0)
            return 0;
        bool isBigEndian = (input[0] & 1) != 0;
        byte[] posted = input[1..];
        int room = (input[0] & 2) != 0 ? posted.Length : input[0] >> 2;

        BalloonStatistic[] read = Read(posted, room, isBigEndian, 0);
        FuzzException.Require(read.Length == Math.Min(room, posted.Length / BalloonStatistics.EntryBytes), "it read another number of entries");
        FuzzException.Require(read.SequenceEqual(Read(posted, room, isBigEndian, 0xFF)), "it read what lies beside the buffer");
        for (int i = 0; i < read.Length; i++)
            FuzzException.Require(read[i] == Expected(posted.AsSpan(i * BalloonStatistics.EntryBytes), isBigEndian), "an entry has another value");

        Write(posted, read, isBigEndian);
        return HashCode.Combine(isBigEndian, Math.Min(read.Length, 64), posted.Length % BalloonStatistics.EntryBytes, read.Length == room);
    }

    // The buffer's surroundings must not matter, and entries beyond the count must stay as they were.
    private static BalloonStatistic[] Read(byte[] posted, int room, bool isBigEndian, byte surroundings)
    {
        byte[] memory = new byte[posted.Length + (2 * Margin)];
        memory.AsSpan().Fill(surroundings);
        posted.CopyTo(memory, Margin);
        BalloonStatistic[] statistics = new BalloonStatistic[room + Margin];
        statistics.AsSpan().Fill(Untouched);
        int count = BalloonStatistics.Read(memory.AsSpan(Margin, posted.Length), statistics.AsSpan(0, room), isBigEndian);
        FuzzException.Require(count <= room && statistics.AsSpan(count).IndexOfAnyExcept(Untouched) < 0, "it wrote beyond its count");
        return statistics[..count];
    }

    private static BalloonStatistic Expected(ReadOnlySpan<byte> entry, bool isBigEndian)
    {
        ulong Number(ReadOnlySpan<byte> bytes)
        {
            ulong number = 0;
            for (int i = 0; i < bytes.Length; i++)
                number |= (ulong)bytes[i] << (8 * (isBigEndian ? bytes.Length - 1 - i : i));
            return number;
        }

        return new((ushort)Number(entry[..2]), Number(entry[2..10]));
    }

    private static void Write(byte[] posted, BalloonStatistic[] statistics, bool isBigEndian)
    {
        byte[] memory = new byte[posted.Length + Margin];
        int bytes = BalloonStatistics.Write(memory, statistics, isBigEndian);
        FuzzException.Require(
            bytes == statistics.Length * BalloonStatistics.EntryBytes && memory.AsSpan(0, bytes).SequenceEqual(posted.AsSpan(0, bytes)),
            "what was read is written in another way");
        FuzzException.Require(memory.AsSpan(bytes).IndexOfAnyExcept((byte)0) < 0, "it wrote beyond its length");
        if (bytes == 0)
            return;
        Array.Clear(memory);
        try
        {
            _ = BalloonStatistics.Write(memory.AsSpan(0, bytes - 1), statistics, isBigEndian);
        }
        catch (ArgumentException)
        {
            return;
        }

        throw new FuzzException("it wrote into a buffer that is too small");
    }
}
