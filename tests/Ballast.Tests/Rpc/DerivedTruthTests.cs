using Ballast.Drivers;
using Ballast.Drivers.Remote;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>What is not known over libvirt's protocol is not made up: values, ages, resets and states.</summary>
public sealed class DerivedTruthTests
{
    private const long Start = 2_000_000_000;

    private static readonly DomainIdentity Vm = new("vm", new Guid(1, 2, 3, new byte[8]), 7);
    private static readonly DomainStateInfo Running = new(DomainState.Running, 1);
    private static readonly LibvirtDomainXml EveryTwoSeconds = new(
        "<domain type='qemu' id='7'>\n  <memory unit='KiB'>1000000</memory>\n  <devices>\n    <memballoon model='virtio'>\n      <stats period='2'/>\n    </memballoon>\n  </devices>\n</domain>\n");

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(Start));

    public static TheoryData<MemoryStatTag, ulong> Impossible
    {
        get
        {
            TheoryData<MemoryStatTag, ulong> all = [];
            foreach (MemoryStatRow row in MemoryStatTable.Rows)
            {
                // A balloon of −1 page less than nothing as QEMU 7.2 and libvirt 9.0 tell it, Windows' "none", and the least of them.
                foreach (ulong bytes in (ulong[])[unchecked((ulong)-17591917604864), 0xFFFFFFFFFFFFF000, 1UL << 63])
                {
                    if (row.Unit == MemoryStatUnit.KiB)
                        all.Add(row.Tag, bytes / 1024);
                }

                all.Add(row.Tag, ulong.MaxValue);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void An_impossible_value_is_rejected_whatever_the_statistic(MemoryStatTag tag, ulong value)
    {
        MemoryStat[] told = [.. Report(Start).Where(stat => stat.Tag != tag), new(tag, value), new((MemoryStatTag)4711, ulong.MaxValue)];
        MemoryStats sample = new DerivedSamples(_time, sharesClock: true).Learn(Vm, told, 0, Running, EveryTwoSeconds);

        Assert.Equal(((ulong?)null, (MemoryStatsReason?)MemoryStatsReason.RejectedValue), (sample[tag], sample.WhyMissing(tag)));
        Assert.Equal(told.Where(stat => stat.Tag != tag), sample.Entries);
    }

    [Fact]
    public void The_largest_possible_value_stays()
    {
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            ulong largest = row.Unit == MemoryStatUnit.KiB ? (1UL << 53) - 1 : ulong.MaxValue - 1;
            MemoryStats sample = new DerivedSamples(_time, sharesClock: true).Learn(Vm, [new(row.Tag, largest)], 0, Running, EveryTwoSeconds);
            Assert.Equal(largest, sample[row.Tag]);
        }
    }

    [Theory]
    [InlineData(1, 1, "fresh")]
    [InlineData(5, 5, "fresh")]

    // Nobody knows whether it is older than five seconds: that it is fresh would be a guess.
    [InlineData(6, 6, "stale")]
    [InlineData(20, 20, "stale")]
    public void On_another_host_a_report_is_as_old_as_the_pause_in_which_it_came(int pause, int age, string freshness)
    {
        DerivedSamples derived = new(_time, sharesClock: false);
        _ = Look(derived, Start);
        _time.Advance(TimeSpan.FromSeconds(pause));
        MemoryStats sample = Look(derived, Start + 1);
        Assert.Equal((TimeSpan.FromSeconds(age), freshness), (sample.Age!.Value, sample.Freshness.Label()));
        Assert.Equal(freshness == "stale", sample.Detail?.StartsWith("at most: ", StringComparison.Ordinal) == true);

        // It is told once more, and grew older meanwhile; then the daemon is silent.
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(age + 3), Look(derived, Start + 1).Age);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(age + 6), derived.LastOf(Vm, Silent).Age);
    }

    [Theory]
    [InlineData(0, 17)]

    // A socket that leads to another host after all, as its clock tells.
    [InlineData(-3600, 20)]
    [InlineData(3600, 20)]
    public void On_this_host_the_clock_tells_unless_it_cannot_be_ours(int ahead, int age)
    {
        DerivedSamples derived = new(_time, sharesClock: true);
        _ = Look(derived, (ulong)(Start + ahead));
        _time.Advance(TimeSpan.FromSeconds(20));
        MemoryStats sample = Look(derived, (ulong)(Start + ahead + 3));
        Assert.Equal((TimeSpan.FromSeconds(age), Freshness.Stale), (sample.Age!.Value, sample.Freshness));
    }

    [Fact]
    public void The_pause_is_counted_from_when_we_asked_not_from_when_the_answer_came()
    {
        DerivedSamples derived = new(_time, sharesClock: false);
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(4));
        _ = derived.Learn(Vm, Report(Start), askedAt, Running, EveryTwoSeconds);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(6), Look(derived, Start + 1).Age);
    }

    [Fact]
    public void An_answer_that_comes_late_is_not_taken_for_a_new_report()
    {
        DerivedSamples derived = new(_time, sharesClock: false);
        _ = Look(derived, Start);
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(4));
        _ = Look(derived, Start + 4);
        MemoryStats late = derived.Learn(Vm, Report(Start, counter: 1), askedAt, Running, EveryTwoSeconds);
        Assert.Equal((TimeSpan.FromSeconds(8), Freshness.Stale), (late.Age!.Value, late.Freshness));
        Assert.Equal(TimeSpan.FromSeconds(4), Look(derived, Start + 4).Age);
    }

    [Fact]
    public void A_time_at_the_end_of_all_times_breaks_nothing()
    {
        foreach (bool sharesClock in (bool[])[true, false])
        {
            DerivedSamples derived = new(_time, sharesClock);
            _ = Look(derived, Start);
            _time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(Freshness.Stale, Look(derived, MemoryStatsFacts.MaxUnixSeconds).Freshness);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reset_marks_the_report_from_before_it_until_the_next(bool sharesClock)
    {
        DerivedSamples derived = new(_time, sharesClock);
        _ = Look(derived, Start, counter: 728);
        derived.Reports.Add(DriverEvent.Reboot(Vm));
        Assert.Equal(Freshness.Stale, derived.LastOf(Vm, Silent).Freshness);
        for (int i = 0; i < 3; i++)
        {
            MemoryStats old = Look(derived, Start, counter: 728);
            Assert.Equal((MemoryStatsReason.NeverReported, Freshness.Stale), (old.Reason, old.Freshness));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        MemoryStats anew = Look(derived, Start + 3, counter: 581);
        Assert.Equal((MemoryStatsReason.Fresh, MemoryStatsInconsistency.None), (anew.Reason, anew.Inconsistencies));

        // No other guest's.
        derived.Reports.Add(DriverEvent.Reboot(Vm with { Uuid = Guid.NewGuid() }));
        Assert.Equal(MemoryStatsReason.Fresh, Look(derived, Start + 3, counter: 581).Reason);
    }

    [Fact]
    public void What_was_asked_before_a_reset_is_from_before_it_whenever_the_answer_comes()
    {
        DerivedSamples derived = new(_time, sharesClock: true);
        _ = Look(derived, Start);
        _time.Advance(TimeSpan.FromSeconds(2));
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMilliseconds(10));
        derived.Reports.Add(DriverEvent.Reboot(Vm));
        Assert.Equal(MemoryStatsReason.NeverReported, derived.Learn(Vm, Report(Start + 2), askedAt, Running, EveryTwoSeconds).Reason);
        Assert.Equal(MemoryStatsReason.NeverReported, Look(derived, Start + 2).Reason);
    }

    [Fact]
    public void A_counter_that_fell_though_nobody_told_of_a_reset_is_flagged_until_the_next_report()
    {
        DerivedSamples derived = new(_time, sharesClock: false);
        _ = Look(derived, Start, counter: 728);
        for (int i = 0; i < 2; i++)
            Assert.Equal(MemoryStatsInconsistency.CounterWentBackwards, Look(derived, Start + 2, counter: 581).Inconsistencies);
        Assert.Equal(MemoryStatsInconsistency.None, Look(derived, Start + 4, counter: 582).Inconsistencies);

        // Where events are missing, or in another run, it may have been reset.
        derived.Reports.Interrupt();
        Assert.Equal(MemoryStatsInconsistency.None, Look(derived, Start + 6, counter: 3).Inconsistencies);
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal(MemoryStatsInconsistency.None, derived.Learn(Vm with { Id = 8 }, Report(Start + 8, counter: 1), _time.GetTimestamp(), Running, EveryTwoSeconds).Inconsistencies);
    }

    [Theory]
    [InlineData(DomainState.NoState, true)]
    [InlineData(DomainState.Running, true)]
    [InlineData(DomainState.Blocked, true)]
    [InlineData(DomainState.Paused, false)]
    [InlineData(DomainState.Shutdown, false)]
    [InlineData(DomainState.Shutoff, false)]
    [InlineData(DomainState.Crashed, false)]
    [InlineData(DomainState.PMSuspended, false)]
    [InlineData((DomainState)8, true)]
    public void Only_a_guest_that_may_run_is_fresh(DomainState state, bool mayRun)
    {
        DomainStateInfo told = new(state, 3);
        MemoryStats sample = new DerivedSamples(_time, sharesClock: true).Learn(Vm, Report(Start), 0, told, EveryTwoSeconds);
        Assert.Equal((mayRun ? MemoryStatsReason.Fresh : MemoryStatsReason.Paused, mayRun ? null : (DomainStateInfo?)told), (sample.Reason, sample.State));
    }

    [Fact]
    public void Every_state_has_its_row() =>
        Assert.Equal(Enum.GetValues<DomainState>().Where(state => state != DomainState.NoState), Enum.GetValues<DomainState>().Where(state => state.IsRunning() is not null));

    private static LibvirtException Silent => LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Qemu, "silent");

    private MemoryStats Look(DerivedSamples derived, ulong reported, ulong counter = 5) =>
        derived.Learn(Vm, Report(reported, counter), _time.GetTimestamp(), Running, EveryTwoSeconds);

    private static MemoryStat[] Report(ulong lastUpdate, ulong counter = 5) =>
    [
        new(MemoryStatTag.ActualBalloon, 1_000_000), new(MemoryStatTag.MinorFault, counter), new(MemoryStatTag.Available, 900_000),
        new(MemoryStatTag.Usable, 400_000), new(MemoryStatTag.LastUpdate, lastUpdate), new(MemoryStatTag.Rss, 1),
    ];
}
