namespace Ballast;

/// <summary>What a driver found out for one sample; <see cref="ToSample"/> judges it.</summary>
internal sealed record MemoryStatsFacts
{
    /// <summary>The last second that <see cref="DateTimeOffset"/> can hold.</summary>
    public const long MaxUnixSeconds = 253402300799;

    // A report's time has whole seconds, and two processes of a host may read its clock in another order.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(1);

    public required MemoryStat[] Entries { get; init; }

    public MemoryStatTagSet Rejected { get; init; }

    /// <summary>Null: nobody knows.</summary>
    public uint? PeriodSeconds { get; init; }

    /// <summary>Null: nobody knows.</summary>
    public bool? IsRunning { get; init; }

    /// <summary>Its state in libvirt's terms; null: nobody knows.</summary>
    public DomainStateInfo? State { get; init; }

    /// <summary>Why it does not run, where the hypervisor tells more than libvirt's reasons.</summary>
    public PauseCause PauseCause { get; init; }

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

    /// <summary>The guest was reset, and has not reported since.</summary>
    public bool IsFromBeforeReset { get; init; }

    /// <summary>For how long the report is known by a clock that nobody sets: it is no younger, whatever its time says.</summary>
    public TimeSpan KnownFor { get; init; }

    /// <summary>What the balloon held when the guest reported, where the guest's numbers count that as used; else 0.</summary>
    public ulong BalloonInUsedKiB { get; init; }

    /// <summary>The balloon's size when the guest reported; 0: it moved about then, and nobody knows. Null: it is not known to have moved since.</summary>
    public ulong? ActualAtReportKiB { get; init; }

    /// <summary>The most that the balloon can have left the guest when it reported, with memory that no balloon counts; null: nobody knows.</summary>
    public ulong? LeftByBalloonKiB { get; init; }

    /// <summary>The guest sees no more than its balloon left it; otherwise it may see all.</summary>
    public bool SeesOnlyWhatIsLeft { get; init; }

    public string? Detail { get; init; }

    /// <summary>How old a report may be that is fresh.</summary>
    public TimeSpan FreshFor => TimeSpan.FromSeconds(2.0 * (PeriodSeconds ?? 0) + 1);

    /// <summary>Judges freshness by the rules of one table, so that every driver's samples mean the same.</summary>
    public MemoryStats ToSample(DateTimeOffset now)
    {
        ulong lastUpdate = Find(MemoryStatTag.LastUpdate) ?? 0;
        MemoryStatsInconsistency found = FindInconsistencies();
        TimeSpan? age = ClockAge(now);
        if (lastUpdate > 0 && !(age >= -ClockSlack))
            (age, found) = (null, found | MemoryStatsInconsistency.LastUpdateInFuture);
        else if (age < KnownFor)
            age = KnownFor;

        bool isRecent = !IsFromBeforeReset && (HasAnswered ?? (age <= FreshFor));
        Freshness freshness =
            IsTimeRejected ? Freshness.Stale
            : lastUpdate == 0 ? Freshness.NeverReported
            : age is not null && isRecent ? Freshness.Fresh
            : Freshness.Stale;

        return new MemoryStats(this, now, age, freshness, Judge(lastUpdate > 0, found, freshness), found);
    }

    /// <summary>How old the report is by its own time; negative where that is ahead, null where it is never, or no time at all.</summary>
    public TimeSpan? ClockAge(DateTimeOffset now) =>
        Find(MemoryStatTag.LastUpdate) is { } lastUpdate and > 0 and <= MaxUnixSeconds ? now - DateTimeOffset.FromUnixTimeSeconds((long)lastUpdate) : null;

    /// <summary>The balloon has another size now than when the guest reported.</summary>
    public bool HasOtherActualAtReport => ActualAtReportKiB is { } then && Find(MemoryStatTag.ActualBalloon) != then;

    /// <summary>The guest reports more memory than its balloon left it, which many may.</summary>
    public bool SaysMoreThanIsLeft =>
        Find(MemoryStatTag.Available) > LeftByBalloonKiB || Find(MemoryStatTag.Usable) > LeftByBalloonKiB || Find(MemoryStatTag.Unused) > LeftByBalloonKiB;

    private MemoryStatsInconsistency FindInconsistencies()
    {
        ulong? available = Find(MemoryStatTag.Available), unused = Find(MemoryStatTag.Unused);
        MemoryStatsInconsistency found = MemoryStatsInconsistency.None;
        if (Find(MemoryStatTag.ActualBalloon) > MaximumKiB)
            found |= MemoryStatsInconsistency.ActualAboveMaximum;
        if (SeesOnlyWhatIsLeft && available > LeftByBalloonKiB)
            found |= MemoryStatsInconsistency.AvailableAboveActual;
        if ((Find(MemoryStatTag.Usable) ?? unused) > LeftByBalloonKiB)
            found |= MemoryStatsInconsistency.UsableAboveActual;
        if (available == 0)
            found |= MemoryStatsInconsistency.AvailableZero;
        if (available > MaximumKiB)
            found |= MemoryStatsInconsistency.AvailableAboveMaximum;
        if (Find(MemoryStatTag.Usable) > available)
            found |= MemoryStatsInconsistency.UsableAboveAvailable;
        if (unused > available)
            found |= MemoryStatsInconsistency.UnusedAboveAvailable;
        if (Find(MemoryStatTag.DiskCaches) > available - Math.Min(unused ?? 0, available ?? 0))
            found |= MemoryStatsInconsistency.DiskCachesAboveAvailable;
        if (CounterWentBackwards)
            found |= MemoryStatsInconsistency.CounterWentBackwards;
        return found;
    }

    private MemoryStatsReason Judge(bool hasReported, MemoryStatsInconsistency found, Freshness freshness)
    {
        if (Obstacle is { } obstacle)
            return obstacle;
        if (found != MemoryStatsInconsistency.None)
            return MemoryStatsReason.Inconsistent;
        if (IsRunning == false)
            return MemoryStatsReason.Paused;
        if (DriverNotLoaded)
            return MemoryStatsReason.DriverNotLoaded;
        if (IsFromBeforeReset)
            return MemoryStatsReason.NeverReported;
        if (IsTimeRejected)
            return MemoryStatsReason.RejectedValue;
        if (hasReported && !HasGuestValue)
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

    /// <summary>The guest reported, but not when: no number says how old its report is.</summary>
    private bool IsTimeRejected => Rejected.Contains(MemoryStatTag.LastUpdate) && HasGuestValue;

    private bool HasGuestValue
    {
        get
        {
            foreach (MemoryStat entry in Entries)
            {
                if (MemoryStatTable.Find(entry.Tag) is not { Source: not MemoryStatSource.Guest })
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
