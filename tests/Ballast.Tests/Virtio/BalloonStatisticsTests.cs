using Ballast.Virtio;
using CsCheck;

namespace Ballast.Tests.Virtio;

public class BalloonStatisticsTests
{
    [Fact]
    public void An_entry_is_ten_packed_bytes_in_either_order()
    {
        BalloonStatistic[] entries = [new(6, 0x0102030405060708)];
        byte[] buffer = new byte[BalloonStatistics.EntryBytes];

        Assert.Equal(10, BalloonStatistics.Write(buffer, entries));
        Assert.Equal([6, 0, 8, 7, 6, 5, 4, 3, 2, 1], buffer);
        Assert.Equal(10, BalloonStatistics.Write(buffer, entries, isBigEndian: true));
        Assert.Equal([0, 6, 1, 2, 3, 4, 5, 6, 7, 8], buffer);
    }

    [Fact]
    public void What_is_written_is_read_again() =>
        Gen.Select(Gen.Select(Gen.UShort, Gen.ULong).Array[0, 40], Gen.Bool).Sample((values, isBigEndian) =>
        {
            BalloonStatistic[] entries = [.. values.Select(value => new BalloonStatistic(value.Item1, value.Item2))];
            byte[] buffer = new byte[entries.Length * BalloonStatistics.EntryBytes];
            BalloonStatistic[] read = new BalloonStatistic[entries.Length];
            return BalloonStatistics.Write(buffer, entries, isBigEndian) == buffer.Length
                && BalloonStatistics.Read(buffer, read, isBigEndian) == entries.Length
                && read.SequenceEqual(entries);
        });

    [Fact]
    public void A_rest_that_is_no_whole_entry_is_left_out()
    {
        byte[] buffer = new byte[29];
        Assert.Equal(2, BalloonStatistics.Read(buffer, new BalloonStatistic[8]));
        Assert.Equal(1, BalloonStatistics.Read(buffer, new BalloonStatistic[1]));
        Assert.Equal(0, BalloonStatistics.Read([], new BalloonStatistic[1]));
    }

    [Fact]
    public void A_buffer_too_small_is_refused() =>
        Assert.Throws<ArgumentException>(() => BalloonStatistics.Write(new byte[9], [new(0, 0)]));
}
