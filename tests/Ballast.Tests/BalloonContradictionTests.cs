using System.Globalization;
using Ballast.Rpc.Messages;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests;

/// <summary>A guest writes its balloon's size itself: it is compared with all that it cannot be.</summary>
public sealed class BalloonContradictionTests
{
    private const long Start = 1_700_000_000;
    private const ulong MiB = 1 << 20;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(Start));

    // In KiB; zero: unknown.
    [Theory]
    [InlineData(1000, 1000, 900, 800, 0, true, MemoryStatsInconsistency.None)]
    [InlineData(1001, 1000, 900, 800, 0, true, MemoryStatsInconsistency.ActualAboveMaximum)]
    [InlineData(1001, 0, 900, 800, 0, true, MemoryStatsInconsistency.None)]
    [InlineData(500, 1000, 501, 400, 0, true, MemoryStatsInconsistency.AvailableAboveActual)]
    [InlineData(500, 1000, 501, 400, 0, false, MemoryStatsInconsistency.None)]
    [InlineData(500, 1000, 900, 501, 0, false, MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(500, 1000, 900, 0, 501, false, MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(500, 1000, 900, 500, 501, false, MemoryStatsInconsistency.None)]
    [InlineData(0, 1000, 900, 800, 0, true, MemoryStatsInconsistency.AvailableAboveActual | MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(0, 1000, 900, 800, 0, false, MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(1000, 1000, 0, 0, 0, true, MemoryStatsInconsistency.AvailableZero)]
    public void Every_surface_judges_the_same(
        ulong actual, ulong maximum, ulong available, ulong usable, ulong unused, bool seesOnlyWhatIsLeft, MemoryStatsInconsistency expected)
    {
        List<MemoryStat> entries = [new(MemoryStatTag.ActualBalloon, actual), new(MemoryStatTag.Available, available), new(MemoryStatTag.LastUpdate, Start)];
        if (usable > 0)
            entries.Add(new(MemoryStatTag.Usable, usable));
        if (unused > 0)
            entries.Add(new(MemoryStatTag.Unused, unused));
        MemoryStatsFacts facts = new()
        {
            Entries = [.. entries],
            PeriodSeconds = 2,
            IsRunning = true,
            MaximumKiB = maximum == 0 ? null : maximum,
            LeftByBalloonKiB = actual,
            SeesOnlyWhatIsLeft = seesOnlyWhatIsLeft,
        };
        MemoryStats here = facts.ToSample(_time.GetUtcNow());
        MemoryStats there = SampleRecord.From(default, facts, _time.GetUtcNow(), SampleFacts.Wanted).ToSample();

        foreach (MemoryStats sample in (MemoryStats[])[here, there, here.After(TimeSpan.FromSeconds(1))])
        {
            Assert.Equal(expected, sample.Inconsistencies);
            Assert.Equal(expected == MemoryStatsInconsistency.None ? MemoryStatsReason.Fresh : MemoryStatsReason.Inconsistent, sample.Reason);
            if (expected != MemoryStatsInconsistency.None)
                Assert.Null(sample.Used);
        }
    }

    // At the first look the balloon may have grown since the guest reported, by what was usable then; at the second it has not.
    [Theory]
    [InlineData(0, false, MemoryStatsInconsistency.AvailableAboveActual, MemoryStatsInconsistency.AvailableAboveActual | MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(0, true, MemoryStatsInconsistency.None, MemoryStatsInconsistency.UsableAboveActual)]
    [InlineData(52, false, MemoryStatsInconsistency.AvailableAboveActual, MemoryStatsInconsistency.AvailableAboveActual)]
    [InlineData(59, false, MemoryStatsInconsistency.None, MemoryStatsInconsistency.AvailableAboveActual)]
    [InlineData(59, true, MemoryStatsInconsistency.None, MemoryStatsInconsistency.None)]
    [InlineData(4096, false, MemoryStatsInconsistency.None, MemoryStatsInconsistency.None)]
    [InlineData(4097, false, MemoryStatsInconsistency.ActualAboveMaximum, MemoryStatsInconsistency.ActualAboveMaximum)]
    [InlineData(1 << 20, true, MemoryStatsInconsistency.ActualAboveMaximum, MemoryStatsInconsistency.ActualAboveMaximum)]
    public async Task A_guest_that_writes_a_wrong_size_is_found_out(
        ulong actualMiB, bool deflatesOnOom, MemoryStatsInconsistency first, MemoryStatsInconsistency second)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.DeflatesOnOom = deflatesOnOom;
        fake.Guest.ActualBytes = actualMiB * MiB;
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        MemoryStats sample = await session.SampleAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 5, 4 * MiB);

        Assert.Equal((first, actualMiB * 1024), (sample.Inconsistencies, sample.ActualKiB));
        Assert.Equal(second, (await session.SampleAsync()).Inconsistencies);
    }

    [Fact]
    public async Task A_report_from_before_the_balloon_grew_contradicts_nothing_that_was_seen()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);

        // One that was made since the last look, but before the balloon grew; then nothing but the balloon grows.
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 5, 4 * MiB);
        fake.Guest.ActualBytes = 40 * MiB;
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
        fake.Guest.ActualBytes = 20 * MiB;
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);

        // The next one should know of it.
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 10, 4 * MiB);
        Assert.Equal(MemoryStatsInconsistency.AvailableAboveActual, (await session.SampleAsync()).Inconsistencies);
        _time.Advance(TimeSpan.FromSeconds(5));
        fake.Guest.Report(Start + 15, 4 * MiB);
        fake.Guest.Stats["stat-total-memory"] = (19 * MiB).ToString(CultureInfo.InvariantCulture);
        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
    }

    [Fact]
    public async Task What_virtio_mem_gave_is_no_contradiction()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting(lastUpdate: Start);
        fake.Guest.MemoryBytes = 30 * MiB;
        fake.Guest.ActualBytes = 30 * MiB;
        fake.Guest.VirtioMem.Add((32 * MiB, 64 * MiB));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);

        Assert.Equal(MemoryStatsInconsistency.None, (await session.SampleAsync()).Inconsistencies);
    }

    [Fact]
    public void Time_that_passed_makes_a_sample_older_and_no_longer_fresh()
    {
        MemoryStats sample = new MemoryStatsFacts
        {
            Entries = [new(MemoryStatTag.Available, 1000), new(MemoryStatTag.LastUpdate, Start)],
            PeriodSeconds = 2,
            IsRunning = true,
            HasAnswered = true,
        }.ToSample(_time.GetUtcNow());

        Assert.Equal((MemoryStatsReason.Fresh, TimeSpan.FromSeconds(5)), Told(sample.After(TimeSpan.FromSeconds(5))));
        Assert.Equal((MemoryStatsReason.Stale, TimeSpan.FromSeconds(6)), Told(sample.After(TimeSpan.FromSeconds(6))));
        Assert.Equal((MemoryStatsReason.Stale, TimeSpan.FromSeconds(6)), Told(sample.After(TimeSpan.FromSeconds(3)).After(TimeSpan.FromSeconds(3))));
        Assert.Same(sample, sample.After(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => sample.After(TimeSpan.FromTicks(-1)));

        static (MemoryStatsReason, TimeSpan?) Told(MemoryStats sample) => (sample.Reason, sample.Age);
    }
}
