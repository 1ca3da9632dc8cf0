using System.Text;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What answers tell that several share, or that come late.</summary>
public sealed class ReportHistoryTests
{
    private const ulong Start = 1_700_000_000;

    private readonly ReportHistory _history = new(new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds((long)Start)));

    private static MonitorValues Answer(long number, ulong gib, ulong reported) => new()
    {
        Number = number,
        Connection = 1,
        Answered = MonitorParts.GuestStats | MonitorParts.Balloon,
        ActualBytes = gib << 30,
        GuestStats = GuestStats.Parse(Encoding.ASCII.GetBytes($$"""{"stats": {"stat-free-memory": 1048576}, "last-update": {{reported}}}""")),
    };

    [Fact]
    public void A_refresh_that_shares_its_answer_tells_all_which_size_belongs_to_the_report()
    {
        _ = _history.Learn(Answer(1, 2, Start));
        MonitorValues shared = Answer(2, 1, Start + 5);
        Assert.Equal(0ul, _history.Learn(shared).ActualAtReportBytes);
        Assert.Equal(1ul << 30, _history.Learn(shared, isOfNow: true).ActualAtReportBytes);
        Assert.Equal(1ul << 30, _history.Learn(shared).ActualAtReportBytes);
        Assert.Equal(1ul << 30, _history.EvidenceOfLast().ActualAtReportBytes);
    }

    [Fact]
    public void Of_a_report_that_was_overtaken_nobody_knows_the_size()
    {
        _ = _history.Learn(Answer(2, 2, Start + 5));
        Assert.Equal(0ul, _history.Learn(Answer(1, 1, Start)).ActualAtReportBytes);

        // The same report is the same however late it comes, and what came first stands.
        Assert.Equal(2ul << 30, _history.Learn(Answer(1, 1, Start + 5)).ActualAtReportBytes);
        Assert.Equal(2ul << 30, _history.EvidenceOfLast().ActualAtReportBytes);
    }
}
