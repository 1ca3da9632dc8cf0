using Ballast.Balance.Advice;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>What taking memory from a guest may cost it.</summary>
public sealed class GuestRiskTests
{
    [Theory]
    [InlineData(100, 0, 0, 10, AdviceRisk.Low)]
    [InlineData(100, 1, 0, 10, AdviceRisk.Medium)]
    [InlineData(100, -1, 0, 10, AdviceRisk.Low)]
    [InlineData(900, 0, 0, 10, AdviceRisk.Medium)]
    [InlineData(100, 0, 0, 0, AdviceRisk.Medium)]
    [InlineData(100, 0, 2, 10, AdviceRisk.High)]
    [InlineData(0, 1, 2, 10, AdviceRisk.None)]
    public void Risk_is_low_only_where_what_is_taken_is_unused_and_not_needed(double taken, double lack, ulong swapped, double reportedAt, AdviceRisk risk)
    {
        AdviceGuest guest = new("guest") { Unused = 800, ReportedAt = 0 };
        GuestTrack track = new();
        See(track, guest, 0);
        See(track, guest with { SwapOut = swapped, ReportedAt = reportedAt }, 10);
        GuestRisk found = new(track, taken, lack);
        Assert.Equal(risk, found.Risk);
        Assert.Equal(risk == AdviceRisk.None, found.Cost.Length == 0);
    }

    [Theory]
    [InlineData(804, "Up to 80 MiB of its cached files may have to be read again.")]
    [InlineData(50, "Up to 50 MiB of its cached files may have to be read again, and its kernel has to find 30 MiB elsewhere.")]
    [InlineData(0, "Its kernel has to find 80 MiB elsewhere.")]
    public void No_more_cached_files_are_read_again_than_there_are(ulong caches, string cost)
    {
        GuestTrack track = new();
        foreach (double time in (double[])[0, 10])
        {
            See(track, new AdviceGuest("guest")
            {
                With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.DiskCaches), new(MemoryStatTag.DiskCaches, caches * KiB)] },
            }, time);
        }

        Assert.Equal(cost, new GuestRisk(track, 100, 0).Cost);
    }
}
