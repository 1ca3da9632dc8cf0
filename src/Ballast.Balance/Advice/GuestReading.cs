using Ballast.Balance.Guards;
using Ballast.Balance.Policies.Needs;

namespace Ballast.Balance.Advice;

/// <summary>What policies and guards are told of one guest, look after look.</summary>
internal sealed class GuestReading
{
    private const double KiB = 1024;

    // The least that a guest is to be left: a kernel and its init need that much; a large one needs more for itself.
    private const double LeastMinimum = 64, MinimumPart = 16;

    // What is swapped out or merged, in KiB, from where on resident memory is no measure.
    private const ulong Little = 16 * 1024;

    private readonly GuestUse _use = new();

    /// <summary>What its last two reports tell.</summary>
    public GuestRates Rates { get; } = new();

    /// <summary>What the host holds of a guest in MiB; null where that is no measure.</summary>
    public static double? ResidentOf(GuestFacts guest, HostMemory host)
    {
        bool isMeasure = guest.SwappedKiB <= Little && (guest.MergedKiB ?? host.MergedKiB) <= Little && guest.ReportsFreePages == false;
        return isMeasure ? guest.ResidentKiB / KiB : null;
    }

    /// <summary>Reads what is seen now.</summary>
    /// <param name="name">The name that policies and guards know it by.</param>
    /// <param name="guest">The guest, whose size is known.</param>
    /// <param name="standing">Whether it can be advised about.</param>
    /// <param name="resident">What the host holds of it, where that is a measure.</param>
    /// <param name="lastWish">What was wished for it last; null: its balloon's size.</param>
    /// <param name="now">Now, in seconds.</param>
    public GuardedGuest Read(string name, GuestFacts guest, GuestStanding standing, double? resident, double? lastWish, double now)
    {
        Rates.See(guest, now);
        double balloon = (guest.SizeKiB ?? 0) / KiB, maximum = (guest.MaximumKiB ?? 0) / KiB;
        double? needed = _use.Needed(guest) / KiB;
        bool isAlone = standing.Alone is not null, wasReset = standing.Obstacle == GuestObstacle.Booting && guest.Reported is not null;
        double minimum = Math.Min(maximum, Math.Max(LeastMinimum, maximum / MinimumPart));

        // Who is left alone counts with its size, whatever happens to the others.
        if (isAlone && !wasReset)
            minimum = maximum = balloon;
        return new GuardedGuest
        {
            State = new GuestState
            {
                Name = name,
                Maximum = Math.Max(maximum, balloon),
                Minimum = minimum,
                Balloon = balloon,
                LastWish = lastWish ?? balloon,
                Resident = resident ?? 0,
                Report = Report(guest, needed),
            },
            IsCertain = !isAlone && !BallastConstants.IsStale(now - Rates.Time),
            IsSizeCertain = guest.MeasuredSizeKiB is not null,
            Used = needed,
            DeflatesOnOom = guest.DeflatesOnOom == true,
            IsResidentCertain = resident is not null,
            Limits = guest.Limits,
            CountsSwapping = guest.SwapOutKiB is not null && guest.MajorFaults is not null,
            Obstacle = standing.Obstacle,
            WasReset = wasReset,
        };
    }

    private GuestReport? Report(GuestFacts guest, double? needed)
    {
        // Where its balloon's size is none, it contradicts itself all the same, and is said to.
        ulong? size = guest.Inconsistencies != MemoryStatsInconsistency.None ? guest.SizeKiB : guest.KnownBalloonKiB;
        if (guest is not { Reported: not null, AvailableKiB: { } available } || size is not { } actual)
            return null;

        // Contradictions are for nobody to calculate with. What a guest reported belongs to the size of that time: what it needs, and what is free.
        double free = (guest.FreeKiB ?? 0) / KiB, usable = guest.Inconsistencies != MemoryStatsInconsistency.None ? double.NaN : free;
        return new GuestReport(
            Rates.Time, needed + free ?? (actual / KiB), available / KiB, (guest.UnusedKiB ?? 0) / KiB, usable, (guest.DiskCachesKiB ?? 0) / KiB,
            (guest.SwapInKiB ?? 0) / KiB, (guest.SwapOutKiB ?? 0) / KiB, guest.MajorFaults ?? 0);
    }
}
