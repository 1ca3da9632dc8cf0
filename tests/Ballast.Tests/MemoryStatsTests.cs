using CsCheck;

namespace Ballast.Tests;

public class MemoryStatsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    [Theory]
    [InlineData(2, 0, Freshness.Fresh)]
    [InlineData(2, 5, Freshness.Fresh)]
    [InlineData(2, 6, Freshness.Stale)]
    [InlineData(10, 21, Freshness.Fresh)]
    [InlineData(10, 22, Freshness.Stale)]
    public void A_report_is_fresh_for_two_periods_and_a_second(uint period, ulong age, Freshness expected)
    {
        MemoryStats sample = Sample(Reported(age) with { PeriodSeconds = period });
        Assert.Equal(expected, sample.Freshness);
        Assert.Equal(expected == Freshness.Fresh ? MemoryStatsReason.Fresh : MemoryStatsReason.Stale, sample.Reason);
        Assert.Equal(TimeSpan.FromSeconds(age), sample.Age);
    }

    [Fact]
    public void A_last_update_of_zero_is_delivered_and_means_never()
    {
        MemoryStats sample = Sample(new MemoryStatsFacts
        {
            Entries = [new(MemoryStatTag.ActualBalloon, 1024), new(MemoryStatTag.LastUpdate, 0)],
            PeriodSeconds = 2,
            IsRunning = true,
        });
        Assert.Equal(0u, sample[MemoryStatTag.LastUpdate]);
        Assert.Null(sample.LastUpdate);
        Assert.Null(sample.Age);
        Assert.Equal(MemoryStatsReason.NeverReported, sample.Reason);
        Assert.Equal(MemoryStatsReason.NeverReported, sample.WhyMissing(MemoryStatTag.Usable));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3600, false)]
    [InlineData(1L << 62, false)]
    public void A_report_of_the_future_is_not_fresh_and_its_age_is_unknown(long ahead, bool isFresh)
    {
        MemoryStats sample = Sample(new MemoryStatsFacts
        {
            Entries =
            [
                new(MemoryStatTag.Available, 3), new(MemoryStatTag.Usable, 1), new(MemoryStatTag.LastUpdate, (ulong)(Now.ToUnixTimeSeconds() + ahead)),
            ],
            PeriodSeconds = 2,
        });
        Assert.Equal(
            isFresh
                ? (MemoryStatsReason.Fresh, Freshness.Fresh, TimeSpan.Zero, MemoryStatsInconsistency.None)
                : (MemoryStatsReason.Inconsistent, Freshness.Stale, (TimeSpan?)null, MemoryStatsInconsistency.LastUpdateInFuture),
            (sample.Reason, sample.Freshness, sample.Age, sample.Inconsistencies));
        Assert.Equal(isFresh, sample.Used is not null);
        Assert.Equal(3u, sample.AvailableKiB);
    }

    [Fact]
    public void A_clock_set_back_makes_no_report_younger_than_it_is_known()
    {
        MemoryStats sample = Sample(Reported(0) with { PeriodSeconds = 2, KnownFor = TimeSpan.FromMinutes(59) });
        Assert.Equal((MemoryStatsReason.Stale, TimeSpan.FromMinutes(59)), (sample.Reason, sample.Age));
    }

    [Fact]
    public void A_report_from_before_a_reset_is_not_fresh()
    {
        MemoryStats sample = Sample(Reported(1) with { PeriodSeconds = 60, IsFromBeforeReset = true });
        Assert.Equal((MemoryStatsReason.NeverReported, Freshness.Stale), (sample.Reason, sample.Freshness));
        Assert.Equal(1000u, sample.AvailableKiB);
    }

    [Fact]
    public void A_last_update_beyond_all_dates_is_no_date()
    {
        MemoryStats sample = Sample(new MemoryStatsFacts { Entries = [new(MemoryStatTag.LastUpdate, ulong.MaxValue - 1)], PeriodSeconds = 2 });
        Assert.Null(sample.LastUpdate);
        Assert.Equal((Freshness.Stale, MemoryStatsReason.Inconsistent), (sample.Freshness, sample.Reason));
    }

    [Theory]
    [InlineData(MemoryStatTag.Usable, MemoryStatsInconsistency.UsableAboveAvailable)]
    [InlineData(MemoryStatTag.Unused, MemoryStatsInconsistency.UnusedAboveAvailable)]
    [InlineData(MemoryStatTag.DiskCaches, MemoryStatsInconsistency.DiskCachesAboveAvailable)]
    public void What_is_a_part_of_available_cannot_be_more(MemoryStatTag part, MemoryStatsInconsistency found)
    {
        MemoryStats more = With((MemoryStatTag.Available, 1000), (part, 1001)), all = With((MemoryStatTag.Available, 1000), (part, 1000));
        Assert.Equal((found, MemoryStatsReason.Inconsistent), (more.Inconsistencies, more.Reason));
        Assert.Null(more.Used);
        Assert.Equal(MemoryStatsInconsistency.None, all.Inconsistencies);
    }

    [Fact]
    public void A_reason_that_only_a_newer_daemon_knows_keeps_its_number()
    {
        MemoryStats sample = Sample(Reported(1) with { Obstacle = (MemoryStatsReason)4711 });
        Assert.Equal(4711, (int)sample.Reason);
        Assert.Equal("reason 4711", sample.Reason.Label());
        Assert.NotEmpty(sample.Reason.Remedy("vm"));
    }

    [Fact]
    public void What_the_balloon_holds_is_not_used()
    {
        static UsedMemory? Used(ulong balloon, params (MemoryStatTag Tag, ulong Value)[] entries) =>
            Sample(new MemoryStatsFacts { Entries = [.. entries.Select(entry => new MemoryStat(entry.Tag, entry.Value))], BalloonInUsedKiB = balloon }).Used;

        Assert.Equal(new UsedMemory(100, UsedMemoryFormula.AvailableMinusUsableMinusBalloon),
            Used(500, (MemoryStatTag.Available, 1000), (MemoryStatTag.Usable, 400)));
        Assert.Equal(new UsedMemory(150, UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon),
            Used(500, (MemoryStatTag.Available, 1000), (MemoryStatTag.Unused, 300), (MemoryStatTag.DiskCaches, 50)));
        Assert.Equal(new UsedMemory(200, UsedMemoryFormula.AvailableMinusUnusedMinusBalloon),
            Used(500, (MemoryStatTag.Available, 1000), (MemoryStatTag.Unused, 300)));
        Assert.Null(Used(601, (MemoryStatTag.Available, 1000), (MemoryStatTag.Usable, 400)));
    }

    [Fact]
    public void The_reason_is_the_first_that_applies()
    {
        MemoryStatsFacts stale = Reported(100) with { PeriodSeconds = 0 };
        Assert.Equal(MemoryStatsReason.PollingOff, Sample(stale).Reason);
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, Sample(stale with { DriverNotLoaded = true }).Reason);
        Assert.Equal(MemoryStatsReason.Paused, Sample(stale with { DriverNotLoaded = true, IsRunning = false }).Reason);
        Assert.Equal(MemoryStatsReason.MonitorHung,
            Sample(stale with { IsRunning = false, Obstacle = MemoryStatsReason.MonitorHung }).Reason);
    }

    [Fact]
    public void A_driver_that_reports_nothing_but_the_time_lacks_its_service()
    {
        MemoryStatsFacts facts = new() { Entries = [new(MemoryStatTag.LastUpdate, (ulong)Now.ToUnixTimeSeconds())], PeriodSeconds = 2 };
        Assert.Equal(MemoryStatsReason.DriverWithoutService, Sample(facts).Reason);
        Assert.Equal(MemoryStatsReason.DriverWithoutService, Sample(facts).WhyMissing(MemoryStatTag.Unused));
    }

    [Fact]
    public void A_rejected_value_is_missing_for_its_own_reason()
    {
        MemoryStats sample = Sample(Reported(0) with { PeriodSeconds = 2, Rejected = default(MemoryStatTagSet).With(MemoryStatTag.SwapIn) });
        Assert.Equal(MemoryStatsReason.RejectedValue, sample.WhyMissing(MemoryStatTag.SwapIn));
        Assert.Equal(MemoryStatsReason.NeverReported, sample.WhyMissing(MemoryStatTag.SwapOut));
        Assert.Null(sample.WhyMissing(MemoryStatTag.Available));
    }

    [Fact]
    public void Used_takes_the_best_formula_that_the_report_allows()
    {
        Assert.Equal(new UsedMemory(600, UsedMemoryFormula.AvailableMinusUsable),
            With((MemoryStatTag.Available, 1000), (MemoryStatTag.Usable, 400), (MemoryStatTag.Unused, 100), (MemoryStatTag.DiskCaches, 50)).Used);
        Assert.Equal(new UsedMemory(850, UsedMemoryFormula.AvailableMinusUnusedMinusDiskCaches),
            With((MemoryStatTag.Available, 1000), (MemoryStatTag.Unused, 100), (MemoryStatTag.DiskCaches, 50)).Used);
        Assert.Equal(new UsedMemory(900, UsedMemoryFormula.AvailableMinusUnused),
            With((MemoryStatTag.Available, 1000), (MemoryStatTag.Unused, 100)).Used);
        Assert.Null(With((MemoryStatTag.Available, 1000)).Used);
        Assert.Null(With((MemoryStatTag.Unused, 1000)).Used);
    }

    [Fact]
    public void Used_is_absent_rather_than_huge_where_the_numbers_contradict_each_other()
    {
        MemoryStats sample = With((MemoryStatTag.Available, 1000), (MemoryStatTag.Usable, 1001));
        Assert.Null(sample.Used);
        Assert.Equal(MemoryStatsInconsistency.UsableAboveAvailable, sample.Inconsistencies);
        Assert.Equal(1001u, sample.UsableKiB);
    }

    [Fact]
    public void Inconsistent_numbers_are_delivered_and_flagged()
    {
        MemoryStats sample = Sample(new MemoryStatsFacts
        {
            Entries = [new(MemoryStatTag.Available, 2000), new(MemoryStatTag.Unused, 3000)],
            MaximumKiB = 1000,
            CounterWentBackwards = true,
        });
        Assert.Equal(
            MemoryStatsInconsistency.AvailableAboveMaximum | MemoryStatsInconsistency.UnusedAboveAvailable
                | MemoryStatsInconsistency.CounterWentBackwards,
            sample.Inconsistencies);
        Assert.Equal(2000u, sample.AvailableKiB);
    }

    [Fact]
    public void No_combination_of_numbers_makes_the_sample_fail_or_lie() =>
        Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong, Gen.UInt, Gen.Bool).Sample(
            (available, usable, unused, caches, lastUpdate, period, running) =>
            {
                MemoryStats sample = Sample(new MemoryStatsFacts
                {
                    Entries =
                    [
                        new(MemoryStatTag.Available, available), new(MemoryStatTag.Usable, usable), new(MemoryStatTag.Unused, unused),
                        new(MemoryStatTag.DiskCaches, caches), new(MemoryStatTag.LastUpdate, lastUpdate),
                    ],
                    PeriodSeconds = period,
                    IsRunning = running,
                });
                return (sample.Used is null || (sample.Used.Value.KiB <= available && sample.Inconsistencies == MemoryStatsInconsistency.None))
                    && (sample.Reason != MemoryStatsReason.Fresh || (sample.Inconsistencies == MemoryStatsInconsistency.None && sample.Age is not null))
                    && sample.Age is not { Ticks: < 0 } && sample.Reason.Label().Length > 0;
            });

    [Fact]
    public void Every_reason_but_fresh_has_a_remedy_and_all_have_different_labels()
    {
        MemoryStatsReason[] reasons = Enum.GetValues<MemoryStatsReason>();
        Assert.Equal(reasons.Length, reasons.Select(reason => reason.Label()).Distinct().Count());
        Assert.All(reasons, reason => Assert.Equal(reason == MemoryStatsReason.Fresh, reason.Remedy("vm").Length == 0));
        Assert.Contains("dommemstat vm --period", MemoryStatsReason.PollingOff.Remedy("vm"), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_tag_has_a_label_of_its_own_and_unknown_ones_keep_their_number()
    {
        MemoryStatTag[] tags = Enum.GetValues<MemoryStatTag>();
        Assert.Equal(tags.Length, tags.Select(tag => tag.Label()).Distinct().Count());
        Assert.All(tags, tag => Assert.True(tag.IsKnown() && tag.Unit() != MemoryStatUnit.Unknown));
        Assert.Equal("4711", ((MemoryStatTag)4711).Label());
        Assert.Equal("-1", ((MemoryStatTag)(-1)).Label());
        Assert.False(((MemoryStatTag)13).IsKnown());
    }

    private static MemoryStatsFacts Reported(ulong secondsAgo) => new()
    {
        Entries = [new(MemoryStatTag.Available, 1000), new(MemoryStatTag.LastUpdate, (ulong)Now.ToUnixTimeSeconds() - secondsAgo)],
        IsRunning = true,
    };

    private static MemoryStats With(params (MemoryStatTag Tag, ulong Value)[] entries) =>
        Sample(new MemoryStatsFacts { Entries = [.. entries.Select(entry => new MemoryStat(entry.Tag, entry.Value))] });

    private static MemoryStats Sample(MemoryStatsFacts facts) => facts.ToSample(Now);
}
