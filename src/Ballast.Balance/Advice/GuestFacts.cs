using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>
/// What is seen of a guest at one moment and may count in a decision, as plain numbers: it can be kept in a file and judged again. Sizes
/// are in KiB; what is null is not known.
/// </summary>
internal sealed record GuestFacts
{
    public required string Name { get; init; }

    public required Guid Uuid { get; init; }

    public int? Id { get; init; }

    public MemoryStatsReason Reason { get; init; }

    public PauseCause PauseCause { get; init; }

    public MemoryStatsInconsistency Inconsistencies { get; init; }

    /// <summary>When it reported, in whole seconds of the host's clock.</summary>
    public long? Reported { get; init; }

    public double? AgeSeconds { get; init; }

    public ulong? BalloonKiB { get; init; }

    /// <summary>The largest size that its balloon may be given.</summary>
    public ulong? MaximumKiB { get; init; }

    public ulong? ResidentKiB { get; init; }

    public ulong? AvailableKiB { get; init; }

    public ulong? UnusedKiB { get; init; }

    public ulong? UsableKiB { get; init; }

    public ulong? DiskCachesKiB { get; init; }

    public ulong? SwapInKiB { get; init; }

    public ulong? SwapOutKiB { get; init; }

    public ulong? MajorFaults { get; init; }

    /// <summary>What it uses, by the best formula that its report allows.</summary>
    public ulong? UsedKiB { get; init; }

    /// <summary>Whether what its kernel manages stays where its balloon moves.</summary>
    public bool TotalStays { get; init; }

    public ulong? SwappedKiB { get; init; }

    public ulong? LockedKiB { get; init; }

    public ulong? PinnedKiB { get; init; }

    public ulong? HugePagesKiB { get; init; }

    public ulong? MergedKiB { get; init; }

    public bool? ReportsFreePages { get; init; }

    public bool? DeflatesOnOom { get; init; }

    public double? RunSeconds { get; init; }

    public string? GroupPath { get; init; }

    /// <summary>
    /// The first of the memory limits of that group and of those above it; null where none limits it. Where the path is not known, only
    /// that of its own group counts.
    /// </summary>
    public MemoryGroupLimit? NearestLimit { get; init; }

    /// <summary>Whether those limits could not be read: there may be others, or lower ones.</summary>
    public bool AreLimitsUnknown { get; init; }

    /// <summary>Whether those limits are those of an earlier look, when they could be read.</summary>
    public bool AreLimitsOld { get; init; }

    /// <summary>What those limits leave it and the others that share them, by <see cref="GroupRoom.Share"/>: in MiB.</summary>
    public IReadOnlyList<MemoryLimit> Limits { get; init; } = [];

    /// <inheritdoc cref="SeenGuest.HasJob"/>
    public bool? HasJob { get; init; } = false;

    /// <inheritdoc cref="SeenGuest.HasNotAnswered"/>
    public bool HasNotAnswered { get; init; }

    /// <summary>Whose history it continues: another run under the same name begins a new one.</summary>
    public (Guid Uuid, int? Id) Key => (Uuid, Id);

    /// <summary>Its balloon's size when that was last known, by whoever looks again and again.</summary>
    public ulong? LastSizeKiB { get; init; }

    /// <summary>The largest size that its balloon was known to have before.</summary>
    public ulong? LargestSizeKiB { get; init; }

    /// <summary>Its balloon's size when it reported, where that is not known to be the same as now; 0 where it moved about then, and nobody knows.</summary>
    public ulong? OtherAtReportKiB { get; init; }

    /// <summary>Its balloon's size when it reported; null where nobody knows.</summary>
    public ulong? BalloonAtReportKiB => OtherAtReportKiB is { } other ? other == 0 ? null : other : KnownBalloonKiB;

    /// <summary>What its programs could get without swapping.</summary>
    public ulong? FreeKiB => GuestShortage.FreeKiB(UsableKiB, UnusedKiB, DiskCachesKiB);

    /// <summary>Its balloon's size; where nobody tells, what it was last, and the maximum may stand for what never was known.</summary>
    public ulong? SizeKiB => MeasuredSizeKiB ?? MaximumKiB;

    /// <summary>
    /// The same where it is one that somebody told, now or before. Where the rest contradicts a size that is possible, the larger of both
    /// counts: what a balloon may hold by now is not budgeted to others.
    /// </summary>
    public ulong? MeasuredSizeKiB => KnownBalloonKiB ?? (BalloonKiB <= MaximumKiB && BalloonKiB > LastSizeKiB ? BalloonKiB : LastSizeKiB);

    /// <summary>Its balloon's size, where the rest of what is known allows it to be that.</summary>
    public ulong? KnownBalloonKiB => (Inconsistencies & OfBalloon) == MemoryStatsInconsistency.None ? BalloonKiB : null;

    // What the guest's balloon cannot have. QEMU passes on what the guest writes, and nothing is budgeted with that.
    private const MemoryStatsInconsistency OfBalloon = MemoryStatsInconsistency.ActualAboveMaximum
        | MemoryStatsInconsistency.AvailableAboveActual | MemoryStatsInconsistency.UsableAboveActual;

    public static GuestFacts Of(SeenGuest guest)
    {
        (MemoryStats stats, ProcessMemory process) = (guest.Stats, guest.Process);
        UsedMemory? used = stats.Used;
        return new GuestFacts
        {
            Name = guest.Domain.Name,
            Uuid = guest.Domain.Uuid,
            Id = guest.Domain.Id,
            Reason = stats.Reason,
            PauseCause = stats.PauseCause,
            Inconsistencies = stats.Inconsistencies,
            Reported = stats.LastUpdate?.ToUnixTimeSeconds(),
            AgeSeconds = stats.Age?.TotalSeconds,
            BalloonKiB = stats.ActualKiB,
            OtherAtReportKiB = stats.ActualKiB is null || stats.ActualAtReportKiB == stats.ActualKiB ? null : stats.ActualAtReportKiB ?? 0,
            MaximumKiB = guest.MaximumKiB,
            ResidentKiB = stats.RssKiB,
            AvailableKiB = stats.AvailableKiB,
            UnusedKiB = stats.UnusedKiB,
            UsableKiB = stats.UsableKiB,
            DiskCachesKiB = stats.DiskCachesKiB,
            SwapInKiB = stats.SwapInKiB,
            SwapOutKiB = stats.SwapOutKiB,
            MajorFaults = stats.MajorFaults,
            UsedKiB = used?.KiB,
            TotalStays = used?.Formula is UsedMemoryFormula.AvailableMinusUsableMinusBalloon
                or UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon or UsedMemoryFormula.AvailableMinusUnusedMinusBalloon,
            SwappedKiB = process.SwappedKiB,
            LockedKiB = process.LockedKiB,
            PinnedKiB = process.PinnedKiB,
            HugePagesKiB = process.HugePagesKiB,
            MergedKiB = process.MergedKiB,
            ReportsFreePages = process.ReportsFreePages,
            DeflatesOnOom = process.DeflatesOnOom,
            RunSeconds = process.RunTime?.TotalSeconds,
            GroupPath = process.GroupPath,
            NearestLimit = LimitOf(process.Group) ?? (guest.HardLimitKiB is { } own ? new MemoryGroupLimit(0, own, null, null) : null),
            AreLimitsUnknown = process.Reason switch
            {
                MemoryStatsReason.Fresh => process.Group is { HasUnknownLimits: true },
                MemoryStatsReason.UnsupportedByDaemon => guest.IsHardLimitUnknown,
                _ => process.Group is not { HasUnknownLimits: false },
            },
            HasJob = guest.HasJob,
            HasNotAnswered = guest.HasNotAnswered,
        };
    }

    /// <summary>
    /// The same at the end of what was seen before. What could not be read now is as it was read last, where to take it for nothing would
    /// do harm: its size, what limits it, what keeps its memory from being given back, that it is on its way to another host.
    /// Everything else counts for the worse where it is unknown.
    /// </summary>
    /// <param name="last">The last look at the same run of it, completed likewise; null: there was none.</param>
    public GuestFacts After(GuestFacts? last)
    {
        if (last is null)
            return this;

        // Of one that has moved to another group, the limits there were never read.
        string? path = GroupPath ?? (AreLimitsUnknown ? last.GroupPath : null);
        return this with
        {
            LastSizeKiB = last.MeasuredSizeKiB,
            LargestSizeKiB = last.MeasuredSizeKiB > last.LargestSizeKiB || last.LargestSizeKiB is null ? last.MeasuredSizeKiB : last.LargestSizeKiB,
            LockedKiB = LockedKiB ?? last.LockedKiB,
            PinnedKiB = PinnedKiB ?? last.PinnedKiB,
            HugePagesKiB = HugePagesKiB ?? last.HugePagesKiB,

            // Its migration may have begun since.
            HasJob = HasJob ?? (last.HasJob == true ? true : null),
            AreLimitsOld = AreLimitsUnknown && path == last.GroupPath && (last.AreLimitsOld || !last.AreLimitsUnknown),
            GroupPath = path,
            NearestLimit = AreLimitsUnknown
                ? GroupLevels.Merge(NearestLimit, [.. GroupLevels.Of(Uuid, path)], last.NearestLimit, [.. GroupLevels.Of(Uuid, last.GroupPath)])
                : NearestLimit,
        };
    }

    // Where an older daemon does not say at which level a limit lies, it is taken to be the group's own.
    private static MemoryGroupLimit? LimitOf(MemoryGroup? group) =>
        group is not { LimitKiB: { } limit } ? null : group.Value.NearestLimit ?? new MemoryGroupLimit(0, limit, group.Value.UnreclaimableKiB, null);
}
