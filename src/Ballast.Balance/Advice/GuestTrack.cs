using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What advice remembers of a guest between two looks.</summary>
internal sealed class GuestTrack
{
    private const double KiB = 1024;

    // The least that a guest is to be left: a kernel and its init need that much; a large one needs more for itself.
    private const double LeastMinimum = 64, MinimumPart = 16;

    // What is swapped out or merged, in KiB, from where on resident memory is no measure.
    private const ulong Little = 16 * 1024;

    private DateTimeOffset? _reported;
    private double _reportTime;

    /// <summary>The guest as it is seen now.</summary>
    public SeenGuest Seen { get; private set; } = null!;

    /// <summary>The same at the look before; null at the first.</summary>
    public SeenGuest? Before { get; private set; }

    /// <summary>When it was seen then, and now.</summary>
    public double TimeBefore { get; private set; }

    /// <inheritdoc cref="TimeBefore"/>
    public double Time { get; private set; }

    public GuestStanding Standing { get; private set; }

    /// <summary>What guards and policies are told; null where nobody knows how large it is.</summary>
    public GuardedGuest? Guarded { get; private set; }

    /// <summary>The balloon's size in MiB, or what may stand for it.</summary>
    public double Balloon { get; private set; }

    /// <summary>What the host holds of it in MiB; null where that is no measure.</summary>
    public double? Resident { get; private set; }

    public FollowedAdvice Followed { get; } = new();

    public void See(SeenGuest guest, HostMemory host, double now)
    {
        (Before, TimeBefore) = (Seen, Time);
        (Seen, Time) = (guest, now);
        Standing = GuestStanding.Of(guest);
        Resident = IsResidentMeasure(guest, host) ? guest.Stats.RssKiB / KiB : null;
        ulong? size = guest.Stats.ActualKiB ?? guest.MaximumKiB;
        Balloon = (size ?? guest.Stats.RssKiB ?? 0) / KiB;
        Guarded = size is null ? null : Guard(now);
    }

    /// <summary>How much a counter rose since the look before; null where nobody knows.</summary>
    public double? Rise(Func<MemoryStats, ulong?> counter) =>
        Before is not null && counter(Seen.Stats) is { } now && counter(Before.Stats) is { } then && now >= then ? now - then : null;

    private static bool IsResidentMeasure(SeenGuest guest, HostMemory host)
    {
        ProcessMemory process = guest.Process;
        bool isMerged = (process.MergedKiB ?? host.MergedKiB) > Little;
        return guest.Stats.RssKiB is not null && process.SwappedKiB <= Little && !isMerged && process.ReportsFreePages == false;
    }

    private GuardedGuest Guard(double now)
    {
        MemoryStats stats = Seen.Stats;
        double maximum = (Seen.MaximumKiB ?? 0) / KiB;
        bool isAlone = Standing.Alone is not null, wasReset = Standing.Obstacle == GuestObstacle.Booting && stats.LastUpdate is not null;
        double minimum = Math.Min(maximum, Math.Max(LeastMinimum, maximum / MinimumPart));

        // Who is left alone counts with its size, whatever happens to the others.
        if (isAlone && !wasReset)
            minimum = maximum = Balloon;
        return new GuardedGuest
        {
            State = new GuestState
            {
                Name = $"{Seen.Key}",
                Maximum = Math.Max(maximum, Balloon),
                Minimum = minimum,
                Balloon = Balloon,
                LastWish = Followed.Target ?? Balloon,
                Resident = Resident ?? 0,
                Report = Report(now),
            },
            IsCertain = !isAlone,
            Used = Needed(stats) / KiB,
            DeflatesOnOom = Seen.Process.DeflatesOnOom == true,
            IsResidentCertain = Resident is not null,
            Obstacle = Standing.Obstacle,
            WasReset = wasReset,
        };
    }

    // What it uses, and what its kernel took at boot: a balloon cannot have that either.
    private static double? Needed(MemoryStats stats)
    {
        if (stats.Used is not { } used)
            return null;
        double free = stats.UsableKiB ?? stats.UnusedKiB ?? 0;
        return Math.Max(used.KiB, (stats.ActualKiB ?? 0) - free);
    }

    private GuestReport? Report(double now)
    {
        MemoryStats stats = Seen.Stats;
        if (stats.LastUpdate is not { } reported || stats.ActualKiB is not { } actual || stats.AvailableKiB is not { } available)
            return null;

        // A report has one time, however often it is looked at and whatever the host's clock does meanwhile.
        if (reported != _reported)
            (_reported, _reportTime) = (reported, Math.Max(_reportTime, now - (stats.Age?.TotalSeconds ?? 0)));

        // Contradictions are for nobody to calculate with. What is not usable for certain, is not.
        double usable = stats.Inconsistencies != MemoryStatsInconsistency.None ? double.NaN : (stats.UsableKiB ?? stats.UnusedKiB ?? 0) / KiB;
        return new GuestReport(
            _reportTime, actual / KiB, available / KiB, (stats.UnusedKiB ?? 0) / KiB, usable, (stats.DiskCachesKiB ?? 0) / KiB,
            (stats.SwapInKiB ?? 0) / KiB, (stats.SwapOutKiB ?? 0) / KiB, stats.MajorFaults ?? 0);
    }
}
