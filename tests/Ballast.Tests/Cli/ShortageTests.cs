using Ballast.Balance.Advice;
using Ballast.Cli.Doctor;
using Ballast.Cli.Memory;

namespace Ballast.Tests.Cli;

/// <summary>Whether a guest is short of memory is the same for whoever says so.</summary>
public sealed class ShortageTests
{
    private static readonly string[] Words = ["short of memory", "ballooned too far"];

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(1.0, true)]
    [InlineData(null, false)]
    public void Where_nobody_knows_which_way_the_balloon_moved_swapping_tells(double? swapOut, bool isShort)
    {
        MemoryStats stats = new MemoryStatsFacts
        {
            Entries =
            [
                new(MemoryStatTag.ActualBalloon, 512 << 10), new(MemoryStatTag.Available, 480 << 10), new(MemoryStatTag.Usable, 20 << 10),
                new(MemoryStatTag.LastUpdate, 1_700_000_000),
            ],
            PeriodSeconds = 2,
            IsRunning = true,
            ActualAtReportKiB = 0,
        }.ToSample(DateTimeOffset.FromUnixTimeSeconds(1_700_000_001));
        Assert.Equal((MemoryStatsReason.Fresh, true), (stats.Reason, stats.HasBalloonMoved));
        Assert.Equal(isShort, GuestShortage.IsShort(stats, 1024 << 10, swapOut));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Memory_doctor_and_advice_never_contradict_each_other(int seed)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        await using Connection fleet = await Connection.OpenAsync($"test:///fleet?domains=300&seed={seed}", cancellationToken: token);
        SeenHost first = await HostSampler.LookAsync(fleet, null, refresh: true, token);
        Dictionary<Guid, SeenGuest> before = first.Guests.ToDictionary(guest => guest.Domain.Uuid);
        SeenHost now = await HostSampler.LookAsync(fleet, null, refresh: true, token);
        Advisor advisor = new();
        advisor.Learn(first, 0);
        HostAdvice advice = advisor.Advise(now, 10);
        int shorts = 0;
        foreach (GuestAdvice one in advice.Guests)
        {
            MemoryStats stats = one.Guest.Stats;
            GuestCounters? counters = GuestCounters.Of(one.Guest.Domain, stats), then = GuestCounters.Of(one.Guest.Domain, before[one.Guest.Domain.Uuid].Stats);

            // Of what has not reported in between, everybody is told nothing of rates.
            MemoryRates? rates = then is { } known ? counters?.Since(known, stats.Period) : null;
            MemoryLine line = new(one.Guest.Domain, stats, one.Guest.MaximumKiB, rates ?? new MemoryRates(0, 0, 0));
            bool isFound = GuestChecks.Run(line, qemu: null, state: null).Any(verdict => Words.Contains(verdict.Check));
            Assert.Equal((one.Guest.Domain.Name, line.IsShort, line.IsShort), (one.Guest.Domain.Name, isFound, one.IsShort));
            Assert.False(one.IsShort && one.Kind is AdviceKind.Take or AdviceKind.Could, $"{one.Guest.Domain.Name} is short and shall give memory");
            shorts += one.IsShort ? 1 : 0;
        }

        Assert.InRange(shorts, 1, advice.Guests.Count - 1);
    }
}
