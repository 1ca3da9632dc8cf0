namespace Ballast;

/// <summary>
/// A sample of a domain's memory: the guest's report, the host's numbers, their age, and the reason for each missing value.
/// A missing number is null, never zero. Sizes are in KiB.
/// </summary>
public sealed class MemoryStats
{
    internal MemoryStats(MemoryStatsFacts facts, DateTimeOffset now, TimeSpan? age, Freshness freshness, MemoryStatsReason reason, MemoryStatsInconsistency inconsistencies)
    {
        Facts = facts;
        JudgedAt = now;
        Age = age;
        Freshness = freshness;
        Reason = reason;
        Inconsistencies = inconsistencies;
    }

    internal MemoryStatsFacts Facts { get; }

    internal DateTimeOffset JudgedAt { get; }

    /// <summary>All statistics in libvirt's order, including tags without a name.</summary>
    public IReadOnlyList<MemoryStat> Entries => Facts.Entries;

    /// <summary>The value of a tag, or null if it is missing (see <see cref="WhyMissing"/>).</summary>
    public ulong? this[MemoryStatTag tag]
    {
        get
        {
            foreach (MemoryStat entry in Facts.Entries)
            {
                if (entry.Tag == tag)
                    return entry.Value;
            }

            return null;
        }
    }

    /// <summary>The balloon's current size in KiB. Source: the hypervisor.</summary>
    public ulong? ActualKiB => this[MemoryStatTag.ActualBalloon];

    /// <summary>
    /// The balloon's size at the time of the guest's report, in KiB: the report's numbers belong to this size. It equals
    /// <see cref="ActualKiB"/> unless the balloon is known to have moved since. Null if unknown, or if the balloon moved at about the time
    /// of the report. Source: the hypervisor.
    /// </summary>
    public ulong? ActualAtReportKiB => Facts.ActualAtReportKiB switch
    {
        0 => null,
        { } then => then,
        null => ActualKiB,
    };

    /// <summary>
    /// Whether the balloon has moved, or may have moved, since the guest's report. The report then does not describe the memory that the
    /// guest has now. Differences of up to 2 % do not count.
    /// </summary>
    public bool HasBalloonMoved => ActualKiB is { } now && (ActualAtReportKiB is not { } then || HasMoved(then, now));

    /// <summary>Memory read back from swap since boot, in KiB. Source: the guest.</summary>
    public ulong? SwapInKiB => this[MemoryStatTag.SwapIn];

    /// <summary>Memory written to swap since boot, in KiB. Source: the guest.</summary>
    public ulong? SwapOutKiB => this[MemoryStatTag.SwapOut];

    /// <summary>Page faults since boot that needed the disk. Source: the guest.</summary>
    public ulong? MajorFaults => this[MemoryStatTag.MajorFault];

    /// <summary>Page faults since boot that did not need the disk. Source: the guest.</summary>
    public ulong? MinorFaults => this[MemoryStatTag.MinorFault];

    /// <summary>Memory that holds nothing (Linux: MemFree), in KiB. Source: the guest.</summary>
    public ulong? UnusedKiB => this[MemoryStatTag.Unused];

    /// <summary>All memory that the guest's kernel manages (Linux: MemTotal), in KiB. Source: the guest.</summary>
    public ulong? AvailableKiB => this[MemoryStatTag.Available];

    /// <summary>
    /// Memory that the guest can allocate without swapping (Linux: MemAvailable), in KiB. Source: the guest.
    /// </summary>
    public ulong? UsableKiB => this[MemoryStatTag.Usable];

    /// <summary>Reclaimable caches of files, in KiB. Source: the guest.</summary>
    public ulong? DiskCachesKiB => this[MemoryStatTag.DiskCaches];

    /// <summary>Huge pages allocated since boot. Source: the guest.</summary>
    public ulong? HugetlbPgAlloc => this[MemoryStatTag.HugetlbPgAlloc];

    /// <summary>Huge pages that could not be allocated since boot. Source: the guest.</summary>
    public ulong? HugetlbPgFail => this[MemoryStatTag.HugetlbPgFail];

    /// <summary>Resident memory of the hypervisor's process, in KiB. Source: the host.</summary>
    public ulong? RssKiB => this[MemoryStatTag.Rss];

    /// <summary>Processes killed for lack of memory since boot; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? OomKills => this[MemoryStatTag.OomKills];

    /// <summary>Allocations since boot that waited for reclaim; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? AllocStalls => this[MemoryStatTag.AllocStalls];

    /// <summary>Memory scanned in the background since boot, in KiB; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? AsyncScansKiB => this[MemoryStatTag.AsyncScans];

    /// <summary>Memory scanned inside allocations since boot, in KiB; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? DirectScansKiB => this[MemoryStatTag.DirectScans];

    /// <summary>Memory reclaimed in the background since boot, in KiB; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? AsyncReclaimsKiB => this[MemoryStatTag.AsyncReclaims];

    /// <summary>Memory reclaimed inside allocations since boot, in KiB; only with <see cref="MemoryStatsOptions.Extended"/>. Source: the guest.</summary>
    public ulong? DirectReclaimsKiB => this[MemoryStatTag.DirectReclaims];

    /// <summary>
    /// The memory that the guest uses, without its balloon, by the best formula that its report allows. Null if the report
    /// allows none, or has <see cref="Inconsistencies"/>.
    /// </summary>
    public UsedMemory? Used =>
        Inconsistencies == MemoryStatsInconsistency.None ? UsedMemory.From(AvailableKiB, UsableKiB, UnusedKiB, DiskCachesKiB, Facts.BalloonInUsedKiB) : null;

    /// <summary>The time of the guest's last report, by the host's clock; null if there is none or it is unknown.</summary>
    public DateTimeOffset? LastUpdate =>
        this[MemoryStatTag.LastUpdate] is { } seconds and > 0 and <= MemoryStatsFacts.MaxUnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;

    /// <summary>
    /// The age of the guest's last report; null if there is none, or its time is unknown or in the future. From libvirt's daemons on
    /// other hosts it is an upper bound, known once there was an earlier sample.
    /// </summary>
    public TimeSpan? Age { get; }

    /// <summary>The collection period; zero if collection is off, null if unknown.</summary>
    public TimeSpan? Period => Facts.PeriodSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Whether the guest's numbers are fresh or stale, or were never reported.</summary>
    public Freshness Freshness { get; }

    /// <summary>
    /// The most important fact about this sample. <see cref="MemoryStatsReasonExtensions.Remedy"/> says what to do about
    /// it.
    /// </summary>
    public MemoryStatsReason Reason { get; }

    /// <summary>
    /// What keeps the domain from running, in more detail than libvirt's reasons; only if <see cref="Reason"/> is
    /// <see cref="MemoryStatsReason.Paused"/>. Unknown from daemons that speak only libvirt's protocol. Source: the hypervisor.
    /// </summary>
    public PauseCause PauseCause => Reason == MemoryStatsReason.Paused ? Facts.PauseCause : PauseCause.Unknown;

    /// <summary>
    /// The state of a domain that is not running, with libvirt's reason; only if <see cref="Reason"/> is
    /// <see cref="MemoryStatsReason.Paused"/>. Null if the daemon does not report it, such as an older ballastd. Source: the hypervisor.
    /// </summary>
    public DomainStateInfo? State => Reason == MemoryStatsReason.Paused ? Facts.State : null;

    /// <summary>The hypervisor's message about why numbers are missing, or null; for humans, not for programs.</summary>
    public string? Detail => Facts.Detail;

    /// <summary>Contradictions between the numbers.</summary>
    public MemoryStatsInconsistency Inconsistencies { get; }

    /// <summary>Returns the same sample as of a later time: its report is older by the elapsed time, and may no longer be fresh.</summary>
    /// <param name="elapsed">The time since the sample was taken; not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public MemoryStats After(TimeSpan elapsed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(elapsed, TimeSpan.Zero);
        if (elapsed == TimeSpan.Zero)
            return this;

        // An answer to a refresh does not make an older sample fresh.
        MemoryStatsFacts older = Facts with { KnownFor = Facts.KnownFor + elapsed, HasAnswered = Facts.HasAnswered == false ? false : null };

        // A daemon's clock may say anything.
        return older.ToSample(JudgedAt <= DateTimeOffset.MaxValue - elapsed ? JudgedAt + elapsed : DateTimeOffset.MaxValue);
    }

    internal static bool HasMoved(ulong? then, ulong? now) =>
        then is { } before && now is { } after && Math.Max(before, after) - Math.Min(before, after) > Math.Max(before, after) / 50;

    /// <summary>The reason why a tag has no value; null if it has one.</summary>
    public MemoryStatsReason? WhyMissing(MemoryStatTag tag)
    {
        if (this[tag] is not null)
            return null;
        if (Facts.Rejected.Contains(tag))
            return MemoryStatsReason.RejectedValue;
        if (MemoryStatTable.Find(tag) is { Source: MemoryStatSource.Host })
            return Facts.HostSideMissing ?? MemoryStatsReason.PermissionDenied;
        return Reason is MemoryStatsReason.Fresh or MemoryStatsReason.Stale or MemoryStatsReason.Inconsistent ? MemoryStatsReason.NeverReported : Reason;
    }
}
