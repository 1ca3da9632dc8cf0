namespace Ballast.Balance.Advice;

/// <summary>What guests share, by a setting and what was seen: sizes in MiB.</summary>
internal static class HostBudget
{
    /// <summary>What is kept free, as a share, and at least: as much as a guest may leap by before anybody looks again.</summary>
    public const double ReserveShare = 0.05, ReserveLeast = 256;

    // Of a host that does not tell what is available, this share goes to others than guests.
    private const double UnknownOverheadShare = 0.1;
    private const double KiB = 1024;

    /// <exception cref="BudgetException">Nobody knows what there is.</exception>
    public static HostState Of(BudgetSetting setting, HostMemory host, IReadOnlyList<SeenGuest> guests, double time, double period)
    {
        double held = Sizes.Sum(guests, HeldInBalloon);
        if (setting.SizeKiB is { } size)
            return new HostState(size / KiB, 0, 0, Math.Max(0, (size / KiB) - held), time, period);
        if (setting.ControlGroup is { } name)
            return OfGroup(name, host, guests, time, period);
        if (host.TotalKiB is not { } all)
            throw new BudgetException("the host's memory is not known: name what guests may share with --budget SIZE");
        double total = all / KiB, reserve = Math.Max(ReserveLeast, ReserveShare * total);
        if (host.AvailableKiB is not { } available)
            return new HostState(total, UnknownOverheadShare * total, reserve, Math.Max(0, total - held), time, period);

        // What is used and is in no guest: other programs, the kernel, and what QEMU needs itself.
        double overhead = Math.Max(0, total - (available / KiB) - held);
        return new HostState(total, overhead, reserve, available / KiB, time, period);
    }

    private static HostState OfGroup(string name, HostMemory host, IReadOnlyList<SeenGuest> guests, double time, double period)
    {
        if (host.Group is not { } group)
        {
            throw new BudgetException(host.Reason == MemoryStatsReason.UnsupportedByDaemon
                ? "this daemon cannot tell a control group's limits: name what guests may share with --budget SIZE"
                : $"there is no memory control group '{name}': name it as in /proc/PID/cgroup of a QEMU, below /sys/fs/cgroup");
        }

        if (group.LimitKiB is not { } limit)
            throw new BudgetException($"the control group '{name}' has no limit: set its memory.max or memory.high, or use --budget SIZE");

        // Caches of files that the group holds give way, so they are no overhead: only what QEMU needs beside its guest is.
        double overhead = Sizes.Sum(guests, guest => Math.Max(0, Held(guest) - Balloon(guest)));
        double free = group.CurrentKiB is { } current ? Math.Max(0, (limit / KiB) - (current / KiB)) : limit / KiB;
        return new HostState(limit / KiB, overhead, ReserveShare * limit / KiB, free, time, period);
    }

    private static double HeldInBalloon(SeenGuest guest) => Math.Min(Held(guest), Balloon(guest));

    private static double Balloon(SeenGuest guest) => (guest.Stats.ActualKiB ?? guest.MaximumKiB ?? guest.Stats.RssKiB ?? 0) / KiB;

    private static double Held(SeenGuest guest) => ((guest.Stats.RssKiB ?? 0) + (guest.Process.HugePagesKiB ?? 0)) / KiB;
}
