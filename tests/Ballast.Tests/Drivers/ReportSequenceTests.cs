using Ballast.Drivers;

namespace Ballast.Tests.Drivers;

/// <summary>Which reports are from before a reset, and which contradict the one before: one rule for QEMUs and for daemons.</summary>
public sealed class ReportSequenceTests
{
    private const long Reset = 1_700_000_100;

    private readonly ReportSequence<Look> _reports = new();

    [Fact]
    public void A_report_that_was_seen_before_a_reset_is_from_before_it_until_another_one_comes()
    {
        See(Reset + 5, 7);
        _reports.NoteReset(DateTimeOffset.FromUnixTimeSeconds(Reset));
        Assert.True(_reports.IsFromBeforeReset);
        Assert.False(_reports.HasReport);
        See(Reset + 5, 7);
        Assert.True(_reports.IsFromBeforeReset);

        // A system that starts counts from zero.
        See(Reset + 6, 1);
        Assert.Equal((false, false, true), (_reports.IsFromBeforeReset, _reports.CounterWentBackwards, _reports.HasReport));
    }

    [Theory]
    [InlineData(Reset, true, true)]
    [InlineData(Reset + 1, true, false)]
    [InlineData(Reset + 1, false, true)]
    [InlineData(0, true, false)]
    public void A_report_that_came_around_a_reset_is_told_by_its_time_where_clocks_agree(long reported, bool clocksAgree, bool isFromBefore)
    {
        See(Reset - 9, 7);
        _reports.NoteReset(DateTimeOffset.FromUnixTimeSeconds(Reset));
        See(reported, 8, clocksAgree);
        Assert.Equal(isFromBefore, _reports.IsFromBeforeReset);

        // The next one is of the system that runs now, whatever the clocks.
        See(Reset + 2, 9, clocksAgree);
        Assert.False(_reports.IsFromBeforeReset);
    }

    [Fact]
    public void Where_a_reset_may_be_between_two_reports_their_counters_are_not_compared()
    {
        See(Reset - 9, 7);
        _reports.NoteGap();
        See(Reset - 8, 1);
        Assert.False(_reports.CounterWentBackwards);
        See(Reset - 7, 5);
        See(Reset - 6, 4);
        Assert.True(_reports.CounterWentBackwards);

        // The contradiction is the report's, however often it is seen, and over a reset.
        _reports.NoteReset(DateTimeOffset.FromUnixTimeSeconds(Reset));
        See(Reset - 6, 4);
        Assert.Equal((true, true), (_reports.CounterWentBackwards, _reports.IsFromBeforeReset));
    }

    [Fact]
    public void What_was_asked_before_a_reset_was_known_is_from_before_it()
    {
        See(Reset - 9, 7);
        _reports.NoteReset(DateTimeOffset.FromUnixTimeSeconds(Reset));
        _reports.See(new Look(Reset + 1, 8), clocksAgree: false, isFromBeforeReset: true);
        Assert.True(_reports.IsFromBeforeReset);
        See(Reset + 1, 8);
        Assert.True(_reports.IsFromBeforeReset);
        See(Reset + 2, 1);
        Assert.Equal((false, false), (_reports.IsFromBeforeReset, _reports.CounterWentBackwards));
    }

    private void See(long reported, ulong counter, bool clocksAgree = true) => _reports.See(new Look(reported, counter), clocksAgree);

    private readonly record struct Look(long Reported, ulong Counter) : IReportLook<Look>
    {
        public ulong? ReportedAt => (ulong)Reported;

        public bool ShowsSameAs(in Look other) => Reported == other.Reported && Counter == other.Counter;

        public bool HasCounterBelow(in Look earlier) => Counter < earlier.Counter;
    }
}
