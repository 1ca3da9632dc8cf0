namespace Ballast.Drivers.Remote;

/// <summary>What is known of a report that only a daemon of libvirt's tells, beyond what it says itself.</summary>
/// <param name="Now">The moment to judge it at: it is as old then as it can be.</param>
/// <param name="KnownFor">For how long it has been known here, by a clock that nobody sets.</param>
/// <param name="AtMost">How old it can be, where no clock tells how old it is: for so long nobody had looked, when it was first seen. Else null.</param>
/// <param name="ActualKiB">The balloon's size when it was first seen; null where nobody said.</param>
/// <param name="ActualAtReportKiB">The size that belongs to it, by the rule of <see cref="GuestMemoryStats.ActualAtReport"/>.</param>
/// <param name="IsFromBeforeReset">The guest was reset since.</param>
/// <param name="CounterWentBackwards">A counter is lower than in the report before, though nobody told of a reset.</param>
/// <param name="IsOvertaken">It is older than one that came before it.</param>
internal readonly record struct ReportSight(
    DateTimeOffset Now, TimeSpan KnownFor = default, TimeSpan? AtMost = null, ulong? ActualKiB = null, ulong? ActualAtReportKiB = null,
    bool IsFromBeforeReset = false, bool CounterWentBackwards = false, bool IsOvertaken = false);

/// <summary>One answer of the daemon's.</summary>
/// <param name="Entries">What it told.</param>
/// <param name="AskedAt">When it was asked for, by our clock that nobody sets.</param>
internal readonly record struct ReportLook(MemoryStat[] Entries, long AskedAt) : IReportLook<ReportLook>
{
    /// <summary>When the guest reported; 0 where it never did, or that is no time.</summary>
    public ulong Reported => Find(MemoryStatTag.LastUpdate) is { } told and <= MemoryStatsFacts.MaxUnixSeconds ? told : 0;

    ulong? IReportLook<ReportLook>.ReportedAt => Reported;

    public ulong? Find(MemoryStatTag tag)
    {
        foreach (MemoryStat entry in Entries)
        {
            if (entry.Tag == tag)
                return entry.Value;
        }

        return null;
    }

    public bool ShowsSameAs(in ReportLook other) => Reported == other.Reported && Entries.Where(IsOfGuest).SequenceEqual(other.Entries.Where(IsOfGuest));

    public bool HasCounterBelow(in ReportLook earlier)
    {
        foreach (MemoryStat entry in Entries)
        {
            if (MemoryStatTable.Find(entry.Tag) is { Course: MemoryStatCourse.Counter } && entry.Value < earlier.Find(entry.Tag))
                return true;
        }

        return false;
    }

    private static bool IsOfGuest(MemoryStat entry) => MemoryStatTable.Find(entry.Tag) is not { Source: not MemoryStatSource.Guest };
}
