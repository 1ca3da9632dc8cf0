using Ballast.Balance.Advice;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Guests that are looked at more or less often than they report: rates are those of their reports.</summary>
public sealed class GuestRatesTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(15)]
    public void A_guest_that_swaps_is_short_at_each_look_and_gives_nothing_however_often_it_reports(int reports)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1500 * KiB));
        AdviceGuest idle = new("idle");
        for (int time = 0; time <= 60; time += 2)
        {
            // It writes 8 MiB a second to its swap.
            int reported = time - (time % reports);
            AdviceGuest swaps = new("swaps") { Used = 700, Unused = 200, SwapOut = 8 * (ulong)reported, ReportedAt = reported, With = facts => facts with { PeriodSeconds = 30 } };
            HostAdvice advice = advisor.Advise(See(time, idle, swaps), time);
            GuestAdvice seen = Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "swaps");
            if (reported < reports)
                continue;
            Assert.True(seen.IsShort, $"at {time} s");
            Assert.NotEqual(AdviceKind.Take, seen.Kind);
        }
    }

    [Theory]
    [InlineData(10, 2, 3, AdviceRisk.Low)]
    [InlineData(10, 30, 3, AdviceRisk.Low)]
    [InlineData(2, 12, 3, AdviceRisk.Low)]
    [InlineData(10, 2, 6, AdviceRisk.High)]
    [InlineData(10, 30, 6, AdviceRisk.High)]
    [InlineData(2, 12, 6, AdviceRisk.High)]
    public void The_risk_is_the_same_however_often_a_guest_reports(int looks, int reports, ulong faults, AdviceRisk risk)
    {
        GuestTrack track = new();
        for (int time = 0; time <= 120; time += looks)
        {
            int reported = time - (time % reports);
            See(track, new AdviceGuest("guest") { Unused = 800, Faults = faults * (ulong)reported, ReportedAt = reported }, time);
            if (reported >= reports)
                Assert.Equal((risk, time), (new GuestRisk(track, 100, 0).Risk, time));
        }
    }

    [Fact]
    public void Counters_that_begin_anew_tell_nothing_until_the_report_after()
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { Unused = 800, SwapOut = 900, Faults = 900 }, 0);
        See(track, new AdviceGuest("guest") { Unused = 800, With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.SwapIn)] } }, 10);
        Assert.Equal(AdviceRisk.Medium, new GuestRisk(track, 100, 0).Risk);
        See(track, new AdviceGuest("guest") { Unused = 800 }, 20);
        Assert.Equal(AdviceRisk.Low, new GuestRisk(track, 100, 0).Risk);
    }

    [Fact]
    public void What_a_guest_reported_before_it_followed_tells_nothing_of_what_that_cost_it()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest") { ReportedAt = 0, With = facts => facts with { PeriodSeconds = 60 } };
        advisor.Learn(See(0, guest), 0);
        ulong target = (ulong)Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Target!.Value;
        guest = guest with { With = facts => facts with { PeriodSeconds = 60, ActualAtReportKiB = 1024 * KiB, Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.ActualBalloon), new(MemoryStatTag.ActualBalloon, target * KiB)] }, Resident = target };
        Assert.True(Assert.Single(advisor.Advise(See(20, guest), 20).Outcomes).IsFollowed);
        Assert.Equal($"It has had {target} MiB for 25 s: it has not reported since.", Assert.Single(advisor.Advise(See(45, guest), 45).Outcomes).Text);
    }
}
