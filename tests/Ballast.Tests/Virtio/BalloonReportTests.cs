using Ballast.Drivers;
using Ballast.Virtio;

namespace Ballast.Tests.Virtio;

public class BalloonReportTests
{
    private static readonly Somebody Host = new(77, 99, 88);

    [Fact]
    public void Statistics_come_in_libvirts_order_and_units_whatever_order_the_guest_chose()
    {
        BalloonReport report = BalloonReport.From([.. Enumerable.Range(0, 16).Reverse().Select(tag => new BalloonStatistic((ushort)tag, (ulong)(tag + 1) * 1024))]);
        MemoryStat[] stats = new MemoryStat[GuestMemoryStats.MaxCount];
        int count = GuestMemoryStats.Fill(stats, report, Host, MemoryStatsOptions.Extended);
        Assert.Equal(
            "actual=77 swap_in=1 swap_out=2 major_fault=3072 minor_fault=4096 unused=5 available=6 usable=7 last_update=99 disk_caches=8 "
            + "hugetlb_pgalloc=9216 hugetlb_pgfail=10240 rss=88 oom_kills=11264 alloc_stalls=12288 async_scans=13 direct_scans=14 "
            + "async_reclaims=15 direct_reclaims=16",
            string.Join(' ', stats[..count].Select(stat => $"{stat.Tag.Label()}={stat.Value}")));
    }

    [Fact]
    public void A_short_buffer_gets_the_beginning()
    {
        BalloonReport report = BalloonReport.From([new(0, 1024), new(4, 2048), new(10, 3)]);
        MemoryStat[] all = new MemoryStat[GuestMemoryStats.MaxCount];
        int count = GuestMemoryStats.Fill(all, report, Host, MemoryStatsOptions.Extended);
        Assert.Equal(6, count);
        for (int room = 0; room <= count; room++)
        {
            MemoryStat[] stats = new MemoryStat[room];
            Assert.Equal(room, GuestMemoryStats.Fill(stats, report, Host, MemoryStatsOptions.Extended));
            Assert.Equal(all[..room], stats);
        }
    }

    [Fact]
    public void Ours_are_only_for_those_who_ask()
    {
        BalloonReport report = BalloonReport.From([new(0, 1024), new(10, 3)]);
        MemoryStat[] stats = new MemoryStat[GuestMemoryStats.MaxCount];
        int count = GuestMemoryStats.Fill(stats, report, Host, MemoryStatsOptions.None);
        Assert.Equal([MemoryStatTag.ActualBalloon, MemoryStatTag.SwapIn, MemoryStatTag.LastUpdate, MemoryStatTag.Rss], stats[..count].Select(stat => stat.Tag));
        Assert.Equal(1, GuestMemoryStats.Fill(stats, report, new Nobody(), MemoryStatsOptions.None));
    }

    [Fact]
    public void The_host_is_asked_only_where_there_is_room()
    {
        // To ask costs a system call.
        BalloonReport report = BalloonReport.From([.. Enumerable.Range(0, 10).Select(tag => new BalloonStatistic((ushort)tag, 1024))]);
        Assert.Equal(12, GuestMemoryStats.Fill(new MemoryStat[12], report, new WithoutRss(0), MemoryStatsOptions.None));
        Assert.Throws<InvalidOperationException>(() => GuestMemoryStats.Fill(new MemoryStat[13], report, new WithoutRss(0), MemoryStatsOptions.None));
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
        BalloonReport report = BalloonReport.From([new((ushort)tag, value)]);
        Assert.Equal(!isPresent, report.IsEmpty);
        Assert.Equal(isRejected, GuestMemoryStats.Rejected(report).Bits != 0);
        Assert.Equal(isPresent ? 1 : 0, GuestMemoryStats.Fill(new MemoryStat[20], report, new Nobody(), MemoryStatsOptions.Extended));
    }

    [Theory]
    [InlineData(3, 5, 4, true)]
    [InlineData(3, 5, 5, false)]
    [InlineData(0, 5, 4, true)]
    [InlineData(5, 5, 4, false)]
    [InlineData(7, 5, 4, false)]
    [InlineData(15, 5, 4, true)]
    public void Counters_go_backwards_and_gauges_go_down(int tag, ulong earlier, ulong later, bool isBackwards) =>
        Assert.Equal(isBackwards, BalloonReport.From([new((ushort)tag, later)]).HasCounterBelow(BalloonReport.From([new((ushort)tag, earlier)])));

    [Fact]
    public void A_counter_that_is_gone_did_not_go_backwards() => Assert.False(default(BalloonReport).HasCounterBelow(BalloonReport.From([new(3, 5)])));

    private readonly record struct Nobody : IMemoryStatsOfHost
    {
        public ulong? Find(MemoryStatTag tag) => null;
    }

    private readonly record struct Somebody(ulong Actual, ulong LastUpdate, ulong Rss) : IMemoryStatsOfHost
    {
        public ulong? Find(MemoryStatTag tag) => tag switch
        {
            MemoryStatTag.ActualBalloon => Actual,
            MemoryStatTag.LastUpdate => LastUpdate,
            MemoryStatTag.Rss => Rss,
            _ => throw new ArgumentOutOfRangeException(nameof(tag), tag, "the guest reports it"),
        };
    }

    private readonly record struct WithoutRss(ulong Value) : IMemoryStatsOfHost
    {
        public ulong? Find(MemoryStatTag tag) =>
            tag == MemoryStatTag.Rss ? throw new InvalidOperationException("the host was asked") : Value;
    }
}
