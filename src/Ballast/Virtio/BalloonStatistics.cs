using System.Buffers.Binary;

namespace Ballast.Virtio;

/// <summary>One entry of a balloon's statistics queue.</summary>
/// <param name="Tag">virtio's tag, which is not <see cref="MemoryStatTag"/>'s; any number may come.</param>
/// <param name="Value">Bytes or a count, as the tag says.</param>
internal readonly record struct BalloonStatistic(ushort Tag, ulong Value);

/// <summary>
/// The format of the balloon's statistics queue: packed entries of a 16-bit tag and a 64-bit value, little-endian for
/// virtio 1.x devices, in the guest's own byte order for legacy ones.
/// </summary>
internal static class BalloonStatistics
{
    public const int EntryBytes = sizeof(ushort) + sizeof(ulong);

    /// <summary>Writes all entries and returns how many bytes they take.</summary>
    /// <exception cref="ArgumentException"><paramref name="buffer"/> is too small.</exception>
    public static int Write(Span<byte> buffer, ReadOnlySpan<BalloonStatistic> statistics, bool isBigEndian = false)
    {
        int bytes = statistics.Length * EntryBytes;
        if (buffer.Length < bytes)
            throw new ArgumentException($"{statistics.Length} entries need {bytes} bytes.", nameof(buffer));
        foreach (BalloonStatistic statistic in statistics)
        {
            if (isBigEndian)
            {
                BinaryPrimitives.WriteUInt16BigEndian(buffer, statistic.Tag);
                BinaryPrimitives.WriteUInt64BigEndian(buffer[sizeof(ushort)..], statistic.Value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(buffer, statistic.Tag);
                BinaryPrimitives.WriteUInt64LittleEndian(buffer[sizeof(ushort)..], statistic.Value);
            }

            buffer = buffer[EntryBytes..];
        }

        return bytes;
    }

    /// <summary>
    /// Reads as many whole entries as there are and fit, and returns how many. A rest that is no whole entry is left out,
    /// as QEMU's device does.
    /// </summary>
    public static int Read(ReadOnlySpan<byte> buffer, Span<BalloonStatistic> statistics, bool isBigEndian = false)
    {
        int count = Math.Min(buffer.Length / EntryBytes, statistics.Length);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = buffer.Slice(i * EntryBytes, EntryBytes);
            statistics[i] = isBigEndian
                ? new(BinaryPrimitives.ReadUInt16BigEndian(entry), BinaryPrimitives.ReadUInt64BigEndian(entry[sizeof(ushort)..]))
                : new(BinaryPrimitives.ReadUInt16LittleEndian(entry), BinaryPrimitives.ReadUInt64LittleEndian(entry[sizeof(ushort)..]));
        }

        return count;
    }
}
