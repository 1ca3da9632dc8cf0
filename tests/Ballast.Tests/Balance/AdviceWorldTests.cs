using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using Ballast.Cli.Balance;

namespace Ballast.Tests.Balance;

/// <summary>Whatever is told of hosts and guests, advice keeps to its own rules, and can be written.</summary>
public sealed class AdviceWorldTests
{
    private static readonly string[] WhyKept = ["; it has that, though it is short by its report.", "it needs a larger one, or less to do."];

    [Fact]
    public void No_history_leads_to_advice_that_cannot_be()
    {
        const int worlds = 400, looks = 40;
        int taken = 0, given = 0;
        for (int seed = 0; seed < worlds; seed++)
        {
            AdviceWorld world = new(seed);
            for (int look = 0; look < looks; look++)
            {
                if (world.Look(out SeenHost seen) is not { } advice)
                    continue;
                try
                {
                    Check(seen, advice);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"world {seed}, look {look}: {e.Message}", e);
                }

                taken += advice.Guests.Count(one => one.Kind is AdviceKind.Take);
                given += advice.Guests.Count(one => one.Kind is AdviceKind.Give);
                world.Follow(advice);
            }
        }

        // The worlds are not so mad that nothing is ever advised.
        Assert.True(taken > 500 && given > 500, $"{taken} taken, {given} given");
    }

    private static void Check(SeenHost seen, HostAdvice advice)
    {
        Assert.Equal(advice.Guests.Count, advice.Guests.Select(one => one.Guest.Domain.Name).Distinct().Count());
        Assert.All(advice.Guests, one => Assert.Contains(one.Guest, seen.Guests));
        foreach (double sum in (double[])[advice.Budget, advice.Balloons, advice.Gain, advice.PossibleGain, advice.Short, advice.Given])
            Assert.InRange(sum, 0, double.MaxValue);
        foreach (GuestAdvice one in advice.Guests)
            Check(one);

        // Nobody grows into what is not free.
        double spare = Math.Max(0, advice.Budget - advice.Balloons);
        Assert.InRange(advice.Given, 0, (spare * (1 + 1e-12)) + 1e-6);
        Assert.NotEmpty(AdviceText.Lines(advice, advice.Guests, new Dictionary<Guid, DomainStateInfo?>(), room: 80, isWhole: true).ToArray());
        Assert.All(advice.Outcomes, outcome => Assert.NotEqual("", AdviceText.Outcome(outcome)));
    }

    private static void Check(GuestAdvice one)
    {
        Assert.NotEqual("", one.Reason);

        // Who is short and keeps what it has is told why.
        if (one is { IsShort: true, Kind: AdviceKind.Keep })
            Assert.True(one.BoundBy is GuardRule.Budget || WhyKept.Any(why => one.Reason.EndsWith(why, StringComparison.Ordinal)), one.Reason);
        Assert.InRange(one.Gain, 0, one.PossibleGain);
        Assert.InRange(one.PossibleGain, 0, one.Balloon ?? 0);
        Assert.InRange(one.Short, 0, double.MaxValue);
        bool isTaken = one.Kind is AdviceKind.Take or AdviceKind.Could;
        Assert.Equal(isTaken || one.Kind == AdviceKind.Give, one.Target is not null);
        Assert.Equal(isTaken, one.Risk != AdviceRisk.None);
        Assert.Equal(isTaken, one.Cost.Length > 0);
        if (one.Target is not { } target)
            return;
        double balloon = one.Balloon!.Value, maximum = (one.Guest.MaximumKiB ?? 0) / 1024.0;
        Assert.Equal(target, Math.Round(target));
        if (!isTaken)
        {
            Assert.InRange(target, balloon, Math.Max(balloon, maximum));
            Assert.True(one.Guest.Stats.Reason is MemoryStatsReason.Fresh or MemoryStatsReason.NeverReported, $"{one.Guest.Stats.Reason}");
            return;
        }

        // What shrinks a guest stands on numbers that are current, and leaves it what it cannot do without.
        Assert.Equal(MemoryStatsReason.Fresh, one.Guest.Stats.Reason);
        Assert.InRange(target, Math.Min(balloon, Math.Max(64, maximum / 16)) - 1, balloon - 1);
        Assert.InRange(balloon - target, 1, (0.25 * Math.Max(maximum, balloon)) + 1);
        Assert.True(one.Kind == AdviceKind.Take || one.Short == 0);

        // Nor is anything advised that the command which follows it would refuse.
        Assert.InRange(target * 1024, GuestShortage.FloorKiB(one.Guest.Stats) ?? 0, double.MaxValue);
    }
}
