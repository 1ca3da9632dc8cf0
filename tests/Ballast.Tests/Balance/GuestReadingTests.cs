using Ballast.Balance.Advice;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>What advice takes from a guest's reports.</summary>
public sealed class GuestReadingTests
{
    // Before it is known, during, and after.
    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(50)]
    public void A_report_that_contradicts_itself_moves_no_balloon(double odd)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1500 * KiB));
        AdviceGuest half = new("half") { Balloon = 512, Resident = 512, Maximum = 1024 }, other = new("other") { Balloon = 900, Resident = 900 };
        AdviceGuest contradicts = half with { With = facts => facts with { LeftByBalloonKiB = 512 * KiB, SeesOnlyWhatIsLeft = true, Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Available), new(MemoryStatTag.Available, 520 * KiB)] } };
        for (double time = 0; time <= 100; time += 10)
        {
            HostAdvice advice = advisor.Advise(See(time, time == odd ? contradicts : half, other), time);
            GuestAdvice seen = Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "half");
            Assert.Equal(time == odd, seen.Kind == AdviceKind.Leave);
            Assert.Empty(advice.Outcomes);
            if (time == 0)
                continue;
            Assert.Equal(512, seen.Balloon);
            Assert.DoesNotContain(advice.Guests, guest => guest.Kind == AdviceKind.Take);
        }
    }

    [Theory]
    [InlineData(800, 512, 800)]
    [InlineData(400, 512, 512)]
    [InlineData(2000, 512, 512)]
    [InlineData(800, null, null)]
    public void A_size_that_the_report_contradicts_counts_only_where_it_is_more(int told, int? before, int? counted)
    {
        GuestFacts facts = new()
        {
            Name = "guest",
            Uuid = Guid.NewGuid(),
            Inconsistencies = MemoryStatsInconsistency.AvailableAboveActual,
            BalloonKiB = (ulong)told,
            MaximumKiB = 1024,
            LastSizeKiB = (ulong?)before,
        };
        Assert.Equal((ulong?)counted, facts.MeasuredSizeKiB);
    }

    [Fact]
    public void A_report_is_as_old_as_it_is_though_nobody_looked_then()
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { ReportedAt = -50 }, 1);
        Assert.Equal(-50, track.Guarded!.State.Report!.Time);
        See(track, new AdviceGuest("guest") { ReportedAt = 8 }, 10);
        Assert.Equal(8, track.Guarded!.State.Report!.Time);

        // The host's clock was set back: time does not go back for that.
        See(track, new AdviceGuest("guest") { ReportedAt = 2 }, 12);
        Assert.Equal(8, track.Guarded!.State.Report!.Time);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(MemoryStatTag.SwapOut, false)]
    [InlineData(MemoryStatTag.MajorFault, false)]
    public void Guards_are_told_whether_a_guest_counts_what_it_swaps_and_reads(MemoryStatTag? missing, bool counts)
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != missing)] } }, 0);
        Assert.Equal(counts, track.Guarded!.CountsSwapping);
    }
}
