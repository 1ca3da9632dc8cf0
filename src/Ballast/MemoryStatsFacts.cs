namespace Ballast;

/// <summary>A set of tags small enough to be a number: libvirt's 0 to 12 and Ballast's own six.</summary>
internal readonly record struct MemoryStatTagSet(uint Bits)
{
    public bool Contains(MemoryStatTag tag) => (Bits & Bit(tag)) != 0;

    public MemoryStatTagSet With(MemoryStatTag tag) => new(Bits | Bit(tag));

    private static uint Bit(MemoryStatTag tag) => tag switch
    {
        >= MemoryStatTag.SwapIn and <= MemoryStatTag.HugetlbPgFail => 1u << (int)tag,
        >= MemoryStatTag.OomKills and <= MemoryStatTag.DirectReclaims => 1u << (16 + (tag - MemoryStatTag.OomKills)),
        _ => 0,
    };
}

/// <summary>What a driver found out for one sample; <see cref="ToSample"/> judges it.</summary>
internal sealed record MemoryStatsFacts
{
    /// <summary>The last second that <see cref="DateTimeOffset"/> can hold.</summary>
    public const long MaxUnixSeconds = 253402300799;

    public required MemoryStat[] Entries { get; init; }

    public MemoryStatTagSet Rejected { get; init; }

    /// <summary>Null: nobody knows.</summary>
    public uint? PeriodSeconds { get; init; }

    /// <summary>Null: nobody knows.</summary>
    public bool? IsRunning { get; init; }

    /// <summary>What kept the driver from asking at all (hung, busy, no balloon …); outranks every other reason.</summary>
    public MemoryStatsReason? Obstacle { get; init; }

    public MemoryStatsReason? HostSideMissing { get; init; }

    /// <summary>The device says that no driver is bound to it.</summary>
    public bool DriverNotLoaded { get; init; }

    /// <summary>
    /// Whether the guest answered when it was asked for a report: then its numbers are fresh, though the time of a report has
    /// whole seconds only, and otherwise old, however often it usually reports. Null: it was not asked.
    /// </summary>
    public bool? HasAnswered { get; init; }

    public ulong? MaximumKiB { get; init; }

    public bool CounterWentBackwards { get; init; }

    public string? Detail { get; init; }

    public MemoryStatsInconsistency Inconsistencies
    {
        get
        {
            ulong? available = Find(MemoryStatTag.Available);
            MemoryStatsInconsistency found = MemoryStatsInconsistency.None;
            if (available > MaximumKiB)
                found |= MemoryStatsInconsistency.AvailableAboveMaximum;
            if (Find(MemoryStatTag.Usable) > available)
                found |= MemoryStatsInconsistency.UsableAboveAvailable;
            if (Find(MemoryStatTag.Unused) > available)
                found |= MemoryStatsInconsistency.UnusedAboveAvailable;
            if (CounterWentBackwards)
                found |= MemoryStatsInconsistency.CounterWentBackwards;
            return found;
        }
    }

    /// <summary>Judges freshness by the rules of one table, so that every driver's samples mean the same.</summary>
    public MemoryStats ToSample(DateTimeOffset now)
    {
        ulong? lastUpdate = Find(MemoryStatTag.LastUpdate);
        TimeSpan? age = null;
        if (lastUpdate is > 0 and <= MaxUnixSeconds)
        {
            // A clock set back must not make a negative age.
            TimeSpan elapsed = now - DateTimeOffset.FromUnixTimeSeconds((long)lastUpdate.Value);
            age = elapsed > TimeSpan.Zero ? elapsed : TimeSpan.Zero;
        }

        Freshness freshness =
            age is null ? Freshness.NeverReported
            : HasAnswered ?? (age <= TimeSpan.FromSeconds(2.0 * (PeriodSeconds ?? 0) + 1)) ? Freshness.Fresh
            : Freshness.Stale;

        return new MemoryStats(this, now, age, freshness, Judge(age, freshness));
    }

    private MemoryStatsReason Judge(TimeSpan? age, Freshness freshness)
    {
        if (Obstacle is { } obstacle)
            return obstacle;
        if (IsRunning == false)
            return MemoryStatsReason.Paused;
        if (DriverNotLoaded)
            return MemoryStatsReason.DriverNotLoaded;
        if (age is not null && !HasGuestValue)
            return Rejected.Bits != 0 ? MemoryStatsReason.RejectedValue : MemoryStatsReason.DriverWithoutService;
        if (PeriodSeconds == 0)
            return MemoryStatsReason.PollingOff;
        return freshness switch
        {
            Freshness.Fresh => MemoryStatsReason.Fresh,
            Freshness.Stale => MemoryStatsReason.Stale,
            _ => MemoryStatsReason.NeverReported,
        };
    }

    private bool HasGuestValue
    {
        get
        {
            foreach (MemoryStat entry in Entries)
            {
                if (entry.Tag is not (MemoryStatTag.ActualBalloon or MemoryStatTag.Rss or MemoryStatTag.LastUpdate))
                    return true;
            }

            return false;
        }
    }

    private ulong? Find(MemoryStatTag tag)
    {
        foreach (MemoryStat entry in Entries)
        {
            if (entry.Tag == tag)
                return entry.Value;
        }

        return null;
    }
}
