using Ballast.Drivers;
using Ballast.Virtio;

namespace Ballast.Tests.Virtio;

public class GuestReportTests
{
    [Fact]
    public void Statistics_come_in_libvirts_order_and_units_whatever_order_the_guest_chose()
    {
        GuestReport report = GuestReport.From([.. Enumerable.Range(0, 16).Reverse().Select(tag => new BalloonStatistic((ushort)tag, (ulong)(tag + 1) * 1024))]);
        MemoryStat[] stats = new MemoryStat[GuestMemoryStats.MaxCount];
        int count = GuestMemoryStats.Fill(stats, report, 99);
        count += GuestMemoryStats.FillExtended(stats.AsSpan(count), report);
        Assert.Equal(
            "swap_in=1 swap_out=2 major_fault=3072 minor_fault=4096 unused=5 available=6 usable=7 last_update=99 disk_caches=8 "
            + "hugetlb_pgalloc=9216 hugetlb_pgfail=10240 oom_kills=11264 alloc_stalls=12288 async_scans=13 direct_scans=14 "
            + "async_reclaims=15 direct_reclaims=16",
            string.Join(' ', stats[..count].Select(stat => $"{stat.Tag.Label()}={stat.Value}")));
    }

    [Fact]
    public void A_short_buffer_gets_the_beginning()
    {
        GuestReport report = GuestReport.From([new(0, 1024), new(4, 2048), new(10, 3)]);
        MemoryStat[] stats = new MemoryStat[1];
        Assert.Equal(1, GuestMemoryStats.Fill(stats, report, 99));
        Assert.Equal(new MemoryStat(MemoryStatTag.SwapIn, 1), stats[0]);
        Assert.Equal(1, GuestMemoryStats.FillExtended(stats, report));
        Assert.Equal(0, GuestMemoryStats.FillExtended([], report));
        Assert.Equal(2, GuestMemoryStats.Fill(new MemoryStat[9], report, null));
    }

    [Theory]
    [InlineData(4, 0x7FFFFFFFFFFFFFFF, true, false)]
    [InlineData(4, 0x8000000000000000, false, true)]
    [InlineData(15, 0xFFFFFFFFFFFFF000, false, true)]
    [InlineData(3, 0xFFFFFFFFFFFFF000, true, false)]
    [InlineData(3, ulong.MaxValue, false, false)]
    [InlineData(4, ulong.MaxValue, false, false)]
    [InlineData(16, 1, false, false)]
    public void What_cannot_be_true_is_rejected_and_what_says_nothing_is_absent(int tag, ulong value, bool isPresent, bool isRejected)
    {
        GuestReport report = GuestReport.From([new((ushort)tag, value)]);
        Assert.Equal(!isPresent, report.IsEmpty);
        Assert.Equal(isRejected, GuestMemoryStats.Rejected(report).Bits != 0);
        Assert.Equal(isPresent ? 1 : 0, GuestMemoryStats.Fill(new MemoryStat[20], report, null) + GuestMemoryStats.FillExtended(new MemoryStat[20], report));
    }

    [Theory]
    [InlineData(3, 5, 4, true)]
    [InlineData(3, 5, 5, false)]
    [InlineData(0, 5, 4, true)]
    [InlineData(5, 5, 4, false)]
    [InlineData(7, 5, 4, false)]
    [InlineData(15, 5, 4, true)]
    public void Counters_go_backwards_and_gauges_go_down(int tag, ulong earlier, ulong later, bool isBackwards) =>
        Assert.Equal(isBackwards, GuestReport.From([new((ushort)tag, later)]).HasCounterBelow(GuestReport.From([new((ushort)tag, earlier)])));

    [Fact]
    public void A_counter_that_is_gone_did_not_go_backwards() => Assert.False(default(GuestReport).HasCounterBelow(GuestReport.From([new(3, 5)])));
}
