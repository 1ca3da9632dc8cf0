using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>Whether a guest can be advised about at all.</summary>
/// <param name="Obstacle">Why it cannot answer to its balloon.</param>
/// <param name="Alone">Why it is left alone, in one sentence for people; null where it is not.</param>
/// <param name="Remedy">What to do about that.</param>
internal readonly record struct GuestStanding(GuestObstacle Obstacle, string? Alone, AdviceRemedy Remedy)
{
    // Firmware, kernel and drivers take so long at most.
    private const double BootSeconds = 60;

    // Less of its memory that is fixed does not keep a balloon from giving the rest back.
    private const double FixedPart = 4;

    public static GuestStanding Of(GuestFacts guest)
    {
        if (Fixed(guest) is { } what)
            return new(GuestObstacle.FixedMemory, $"Its memory is {what}: its balloon would give the host nothing back.", AdviceRemedy.None);
        if (guest.HasJob == true)
            return new(GuestObstacle.Migrating, "It is being moved to another host, saved or dumped.", AdviceRemedy.None);
        if (guest.PauseCause is PauseCause.Migrating or PauseCause.Migrated)
            return new(GuestObstacle.Migrating, "It moves to another host.", AdviceRemedy.None);
        if (guest.HasJob is null)
            return new(GuestObstacle.Migrating, "It is unknown whether it is being moved to another host: its hypervisor did not tell.", AdviceRemedy.LookAgain);
        const AdviceRemedy remedy = AdviceRemedy.OfReason;
        bool isNew = guest.RunSeconds < BootSeconds && guest.Reported is null;
        return guest.Reason switch
        {
            MemoryStatsReason.Fresh when guest.HasNotAnswered =>
                new(GuestObstacle.None, "It was asked for a report and gave none: its balloon driver may not be loaded any more.", AdviceRemedy.LookAgain),
            MemoryStatsReason.Fresh when guest.UsedKiB is null || guest.KnownBalloonKiB is null || guest.MaximumKiB is null =>
                new(GuestObstacle.None, "Its report is incomplete, so it is unknown what it uses.", AdviceRemedy.None),
            MemoryStatsReason.Fresh => new(GuestObstacle.None, null, AdviceRemedy.None),
            MemoryStatsReason.Paused when guest.Reported is null && guest.PauseCause == PauseCause.Waiting =>
                new(GuestObstacle.Prelaunch, "It is paused, and has not reported since it was started.", remedy),
            MemoryStatsReason.Paused => new(GuestObstacle.Paused, "It is paused.", remedy),
            MemoryStatsReason.NeverReported or MemoryStatsReason.DriverNotLoaded when isNew =>
                new(GuestObstacle.Booting, "It was started a moment ago and has not reported yet.", AdviceRemedy.LookAgain),
            MemoryStatsReason.NeverReported when guest.Reported is not null =>
                new(GuestObstacle.Booting, "It was reset and has not reported since.", AdviceRemedy.LookAgain),
            MemoryStatsReason.NeverReported => new(GuestObstacle.Booting, "It has never reported.", remedy),
            MemoryStatsReason.DriverNotLoaded => new(GuestObstacle.DriverNotLoaded, "Its balloon driver is not loaded.", remedy),
            MemoryStatsReason.NoBalloonDevice => new(GuestObstacle.NoBalloonDevice, "It has no balloon device.", remedy),
            MemoryStatsReason.Stale => new(GuestObstacle.None, "Its last report is old, so it is unknown what it needs now.", remedy),
            MemoryStatsReason.Inconsistent => new(GuestObstacle.None, $"Its numbers contradict each other ({guest.Inconsistencies.Label()}).", remedy),
            MemoryStatsReason.RejectedValue => new(GuestObstacle.None, "It reports impossible numbers.", remedy),
            MemoryStatsReason.PollingOff => new(GuestObstacle.None, "Collection is off, so it does not report (polling off).", remedy),
            MemoryStatsReason.DriverWithoutService => new(GuestObstacle.None, "Its driver answers without numbers.", remedy),
            var other => new(GuestObstacle.None, $"It is unknown what it needs now ({other.Label()}).", remedy),
        };
    }

    private static string? Fixed(GuestFacts guest)
    {
        double least = Math.Max(1, (guest.SizeKiB ?? 0) / FixedPart);
        return guest.PinnedKiB >= least ? "pinned for a passed-through device"
            : guest.LockedKiB >= least ? "locked"
            : guest.HugePagesKiB >= least ? "in huge pages of hugetlbfs"
            : null;
    }
}
