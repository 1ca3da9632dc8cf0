using Ballast.Balance.Advice;
using Ballast.Balance.Recording;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>What advice and replays think that a guest needs: the same as all else that says so.</summary>
public sealed class GuestUseTests
{
    // Known, known to have moved, and moved before anybody looked.
    [Theory]
    [InlineData(512 * 1024)]
    [InlineData(0)]
    [InlineData(null)]
    public void What_a_balloon_gained_since_the_report_is_not_what_its_guest_needs(int? atReport)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2000 * KiB));
        AdviceGuest grown = Moved(1536, (ulong?)atReport), other = new("other") { Balloon = 1024, Maximum = 2048, Used = 900 };
        advisor.Learn(See(60, grown, other), 60);
        GuestAdvice advice = Assert.Single(advisor.Advise(See(61, grown, other), 61).Guests, guest => guest.Guest.Domain.Name == "has-grown");
        Assert.Equal(AdviceKind.Take, advice.Kind);
        Assert.Contains("It needs 130 MiB", advice.Reason, StringComparison.Ordinal);
        Assert.InRange(advice.Target!.Value, 1024, 1024 + 16);
    }

    [Fact]
    public void Advice_needs_what_everything_else_says_it_does()
    {
        Random random = new(18);
        for (int i = 0; i < 2000; i++)
        {
            ulong balloon = (ulong)random.Next(200, 2000), then = random.Next(3) == 0 ? (ulong)random.Next(200, 2000) : balloon;
            MemoryStatTag? missing = random.Next(4) switch { 0 => MemoryStatTag.Usable, 1 => MemoryStatTag.DiskCaches, _ => null };
            AdviceGuest guest = new("guest")
            {
                Balloon = then,
                Maximum = 2048,
                Used = (ulong)random.Next(1, 1000),
                Unused = (ulong)random.Next(500),
                With = facts => facts with
                {
                    ActualAtReportKiB = then == balloon ? null : random.Next(2) == 0 ? then * KiB : 0,
                    Entries = [.. facts.Entries.Where(entry => entry.Tag != missing && entry.Tag != MemoryStatTag.ActualBalloon), new(MemoryStatTag.ActualBalloon, balloon * KiB)],
                },
            };
            GuestTrack track = new();
            See(track, guest, 1);
            MemoryStats stats = track.Seen.Stats;
            ulong? needed = GuestShortage.NeededKiB(stats) ?? stats.Used?.KiB;
            Assert.Equal(needed / 1024.0, track.Guarded!.Used);
            if (track.Guarded.State.Report is { } report && needed is not null)
                Assert.Equal(needed.Value / 1024.0, report.Actual - report.Usable, 1e-6);
        }
    }

    [Fact]
    public void Caches_are_not_needed_where_a_guest_does_not_say_what_is_usable()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1700 * KiB));
        AdviceGuest caches = new("caches") { Used = 314, Unused = 110, With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Usable)] } };
        AdviceGuest busy = new("busy") { Used = 490, Unused = 400 };
        advisor.Learn(See(0, caches, busy), 0);
        GuestAdvice advice = Assert.Single(advisor.Advise(See(10, caches, busy), 10).Guests, guest => guest.Guest.Domain.Name == "caches");
        Assert.Equal(AdviceKind.Take, advice.Kind);
        Assert.Contains("It needs 374 MiB", advice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_kernel_keeps_for_a_crash_is_needed_once_it_was_seen_also_while_the_balloon_moves()
    {
        GuestTrack track = new();
        AdviceGuest guest = new("guest") { Used = 400, Unused = 500 };
        for (double time = 0; time <= 10; time += 10)
            See(track, Crash(guest), time);
        Assert.Equal(400, track.Guarded!.Used);
        See(track, Crash(guest with { Balloon = 900, ReportedAt = 10 }), 20);
        Assert.Equal(400, track.Guarded!.Used);

        // Of the 400 MiB its programs use 100: its kernel does not count the others.
        static AdviceGuest Crash(AdviceGuest guest) => guest with
        {
            With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Available), new(MemoryStatTag.Available, (guest.Balloon!.Value - 300) * KiB)] },
        };
    }

    [Theory]
    [InlineData(512 * 1024)]
    [InlineData(0)]
    [InlineData(null)]
    public void A_replay_needs_no_more_for_a_balloon_that_grew_since_the_report(int? atReport)
    {
        using MemoryStream stream = new();
        using (HostRecorder recorder = new(stream, new RecordHeader(DateTimeOffset.UnixEpoch, "fake:///", null), 1 << 20))
        {
            foreach (double time in (double[])[60, 61, 62])
                Assert.True(recorder.TryWrite(See(time, Moved(1536, (ulong?)atReport)), time));
            recorder.End(RecordEnd.Complete, 62);
        }

        stream.Position = 0;
        Replay replay = RecordReplay.Run(stream, ["ballast"], budgetKiB: 4096 * KiB, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(70, Assert.Single(Assert.Single(replay.Policies).Guests).MostNeededMib!.Value, 0.1);
    }

    // It reported 70 of 512 MiB in use, and has more by now.
    private static AdviceGuest Moved(ulong balloon, ulong? atReport) => new("has-grown")
    {
        Balloon = 512,
        Maximum = 2048,
        Resident = 1500,
        Used = 70,
        Unused = 400,
        ReportedAt = 55,
        With = facts => facts with
        {
            PeriodSeconds = 60,
            ActualAtReportKiB = atReport,
            Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.ActualBalloon), new(MemoryStatTag.ActualBalloon, balloon * KiB)],
        },
    };
}
