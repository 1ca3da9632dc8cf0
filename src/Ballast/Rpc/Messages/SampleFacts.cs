namespace Ballast.Rpc.Messages;

/// <summary>
/// What later versions know of a sample beyond its record: numbered facts, which travel among its statistics, in a range of
/// tags that no statistic has. Only who asks for them gets them, and skips those that it does not know: so an older program
/// and a newer one understand each other.
/// </summary>
internal static class SampleFacts
{
    /// <summary>The option of a question that says: facts are understood. An older server ignores it.</summary>
    public const MemoryStatsOptions Wanted = (MemoryStatsOptions)0x4000_0000;

    /// <summary>
    /// The option of a question about one domain that says: as if it were asked for among several, so that what keeps it from being
    /// asked is a reason in its sample and no error. An older server ignores it.
    /// </summary>
    public const MemoryStatsOptions AsOneOfMany = (MemoryStatsOptions)0x2000_0000;

    private const int First = 0x42010000, Last = 0x4201ffff;
    private const int BalloonInUsedKiB = First, IsFromBeforeReset = First + 1, KnownForMilliseconds = First + 2, RejectedHigh = First + 3,
        PauseCauseNumber = First + 4, LeftByBalloonKiB = First + 5, SeesOnlyWhatIsLeft = First + 6, StateAndReason = First + 8,
        ActualAtReportKiB = First + 9;

    /// <summary>A question's options without those that only later versions know.</summary>
    public static MemoryStatsOptions Options(uint asked) => (MemoryStatsOptions)asked & (Wanted | MemoryStatsOptions.Extended);

    public static MemoryStatEntry[] Add(MemoryStatEntry[] stats, MemoryStatsFacts facts, DateTimeOffset now)
    {
        if (facts.BalloonInUsedKiB != 0)
            stats = [.. stats, new() { Tag = BalloonInUsedKiB, Value = facts.BalloonInUsedKiB }];
        if (facts.IsFromBeforeReset)
            stats = [.. stats, new() { Tag = IsFromBeforeReset, Value = 1 }];

        // Nearly always the report's own time says as much.
        if (facts.KnownFor > TimeSpan.Zero && !(facts.ClockAge(now) >= facts.KnownFor))
            stats = [.. stats, new() { Tag = KnownForMilliseconds, Value = (ulong)facts.KnownFor.TotalMilliseconds }];

        // The lower half stands in the record itself.
        if (facts.Rejected.Bits >> 32 is not 0 and ulong rejected)
            stats = [.. stats, new() { Tag = RejectedHigh, Value = rejected }];
        if (facts.PauseCause != PauseCause.Unknown)
            stats = [.. stats, new() { Tag = PauseCauseNumber, Value = (ulong)facts.PauseCause }];

        // The state in the upper half. Of those that run it tells nothing more.
        if (facts is { IsRunning: false, State: { } state })
            stats = [.. stats, new() { Tag = StateAndReason, Value = ((ulong)(uint)state.State << 32) | (uint)state.Reason }];

        // Nearly always it is what it is now.
        if (facts.HasOtherActualAtReport)
            stats = [.. stats, new() { Tag = ActualAtReportKiB, Value = facts.ActualAtReportKiB.GetValueOrDefault() }];

        // Only where the guest says more: otherwise they change nothing.
        if (facts.SaysMoreThanIsLeft)
        {
            stats = [.. stats, new() { Tag = LeftByBalloonKiB, Value = facts.LeftByBalloonKiB ?? 0 }];
            if (facts.SeesOnlyWhatIsLeft)
                stats = [.. stats, new() { Tag = SeesOnlyWhatIsLeft, Value = 1 }];
        }

        return stats;
    }

    /// <summary>Takes the facts out of a record's statistics.</summary>
    public static MemoryStatsFacts Take(MemoryStatEntry[] stats, MemoryStatsFacts facts)
    {
        List<MemoryStat> entries = new(stats.Length);
        foreach (MemoryStatEntry entry in stats)
        {
            facts = entry.Tag switch
            {
                BalloonInUsedKiB => facts with { BalloonInUsedKiB = entry.Value },
                IsFromBeforeReset => facts with { IsFromBeforeReset = entry.Value != 0 },
                KnownForMilliseconds => facts with { KnownFor = TimeSpan.FromMilliseconds(Math.Min(entry.Value, MemoryStatsFacts.MaxUnixSeconds)) },
                RejectedHigh => facts with { Rejected = new MemoryStatTagSet(facts.Rejected.Bits | (entry.Value << 32)) },
                StateAndReason => facts with { State = new DomainStateInfo((DomainState)(int)(entry.Value >> 32), (int)(uint)entry.Value) },
                PauseCauseNumber => facts with { PauseCause = Cause(entry.Value) },
                ActualAtReportKiB => facts with { ActualAtReportKiB = entry.Value },
                LeftByBalloonKiB => facts with { LeftByBalloonKiB = entry.Value },
                SeesOnlyWhatIsLeft => facts with { SeesOnlyWhatIsLeft = entry.Value != 0 },
                _ => facts,
            };
            if (entry.Tag is < First or > Last)
                entries.Add(new MemoryStat((MemoryStatTag)entry.Tag, entry.Value));
        }

        // A daemon may be as wrong as any guest.
        (MemoryStat[] possible, MemoryStatTagSet rejected) = MemoryStatTable.Sift([.. entries]);
        return facts with { Entries = possible, Rejected = new MemoryStatTagSet(facts.Rejected.Bits | rejected.Bits) };
    }

    // One that only a newer daemon knows tells nothing here.
    private static PauseCause Cause(ulong number) => number <= (ulong)PauseCause.Replicating ? (PauseCause)number : PauseCause.Unknown;
}
