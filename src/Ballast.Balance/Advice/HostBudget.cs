using System.Globalization;

namespace Ballast.Balance.Advice;

/// <summary>What guests share, by a setting and what was seen: sizes in MiB.</summary>
internal static class HostBudget
{
    /// <summary>What is kept free, as a share, and at least: as much as a guest may leap by before anybody looks again.</summary>
    public const double ReserveShare = 0.05, ReserveLeast = 256;

    // Of a host that does not tell what is available, this share goes to others than guests.
    private const double UnknownOverheadShare = 0.1;
    private const double KiB = 1024;

    /// <summary>What a QEMU needs beside its guest's memory, in MiB: while the guest has not touched all of it, that hides in what is resident.</summary>
    public const double QemuAllowance = 64;

    /// <summary>Whether a guest shares the budget: of a control group, those in it and in groups below it do.</summary>
    public static bool Includes(BudgetSetting setting, string? groupPath) => setting.ControlGroup is not { } group
        || (groupPath is not null && Names(group).Any(path => path == "/" || groupPath == path || groupPath.StartsWith(path + "/", StringComparison.Ordinal)));

    /// <summary>Whether the budget stands for a control group's limit: it is that group's, or that of one below it, which is limited by both.</summary>
    public static bool StandsFor(BudgetSetting setting, string groupPath) => setting.ControlGroup is { } group
        && Names(group).Any(path => groupPath == "/" || path == groupPath || path.StartsWith(groupPath + "/", StringComparison.Ordinal));

    /// <summary>What a control group's limit leaves the balloons of its guests together, in MiB.</summary>
    /// <param name="limit">The limit, in MiB.</param>
    /// <param name="overhead">What the group holds beside them, in MiB.</param>
    /// <param name="guests">Its guests.</param>
    public static double LeftBy(double limit, double overhead, IReadOnlyList<GuestFacts> guests) =>
        Math.Max(0, limit + Sizes.Sum(guests, HeldBesideGroup) - overhead);

    /// <summary>What a control group holds beside the balloons of its guests, in MiB. Caches of files give way, so they are none of it.</summary>
    /// <param name="unreclaimable">What the group holds and cannot drop, in MiB, at the moment at which its guests were seen; null if unknown.</param>
    /// <param name="guests">Its guests.</param>
    public static double Overhead(double? unreclaimable, IReadOnlyList<GuestFacts> guests) => unreclaimable is { } held
        ? Math.Max(QemuAllowance * guests.Count, held - Sizes.Sum(guests, HeldInGroup))
        : Sizes.Sum(guests, guest => Math.Max(QemuAllowance, Held(guest) - (Balloon(guest) ?? 0)));

    // What people may mean by it: they copy it from either version of control groups. However it is spelt, its limits are those of the
    // directory that it leads to.
    private static IEnumerable<string> Names(string group)
    {
        const string mount = "/sys/fs/cgroup/", memory = mount + "memory/";
        if (group.Contains('\0', StringComparison.Ordinal))
            return [];
        string named = Path.GetFullPath("/" + group), first = named.StartsWith(mount, StringComparison.Ordinal) ? named[mount.Length..] : named;
        string[] names = named.StartsWith(memory, StringComparison.Ordinal) ? [first, named[memory.Length..]] : [first];
        return names.Select(name => "/" + name.Trim('/'));
    }

    /// <exception cref="BudgetException">Nobody knows what there is.</exception>
    public static HostState Of(BudgetSetting setting, HostMemory host, IReadOnlyList<GuestFacts> guests, double time, double period)
    {
        double held = Sizes.Sum(guests, HeldInBalloon);
        if (setting.SizeKiB is { } size)
            return OfSize(size, host, guests, held, time, period);
        if (setting.ControlGroup is { } name)
            return OfGroup(name, host, guests, time, period);
        if (host.TotalKiB is not { } all)
            throw new BudgetException("the host's memory is not known: name what guests may share with --budget SIZE");
        double total = all / KiB, reserve = Math.Max(ReserveLeast, ReserveShare * total);
        if (AvailableKiB(host) is not { } available)
            return new HostState(total, UnknownOverheadShare * total, reserve, Math.Max(0, total - held), time, period);

        // What is used and is in no guest: other programs, the kernel, and what QEMU needs itself.
        double overhead = Math.Max(0, total - (available / KiB) - held);
        return new HostState(total, overhead, reserve, available / KiB, time, period);
    }

    private static HostState OfSize(ulong size, HostMemory host, IReadOnlyList<GuestFacts> guests, double held, double time, double period)
    {
        if (size == 0)
            throw new BudgetException("a budget of 0 leaves nothing to guests: name a larger one");
        if (host.TotalKiB < size)
        {
            throw new BudgetException(string.Create(CultureInfo.InvariantCulture,
                $"a budget of {size / KiB:F0} MiB is more than all of the host's memory, {host.TotalKiB / KiB:F0} MiB: name a smaller one"));
        }

        // What a guest of unknown size holds, nobody else can have.
        double unknown = Sizes.Sum(guests, guest => Balloon(guest) is null ? Held(guest) : 0);
        return new HostState(size / KiB, unknown, 0, Math.Max(0, (size / KiB) - held - unknown), time, period);
    }

    private static HostState OfGroup(string name, HostMemory host, IReadOnlyList<GuestFacts> guests, double time, double period)
    {
        if (host.Group is not { } group)
        {
            throw new BudgetException(host.Reason == MemoryStatsReason.UnsupportedByDaemon
                ? "this daemon does not report a control group's limits: give the memory that guests share with --budget SIZE"
                : $"there is no memory control group '{name}': name it as in /proc/PID/cgroup of a QEMU, below /sys/fs/cgroup");
        }

        if (group.HasUnknownLimits)
            throw new BudgetException($"the limits of the control group '{name}', or of those above it, could not be read: look again, or use --budget SIZE");
        if (group.LimitKiB is not { } most)
            throw new BudgetException($"the control group '{name}' has no limit: set its memory.max or memory.high, or use --budget SIZE");

        // What others of the host hold, no limit gives to the group.
        double limit = Math.Min(most / KiB, HostHas(host, group, guests));
        double overhead = Overhead(group.UnreclaimableKiB / KiB, guests), used = (group.UnreclaimableKiB ?? group.CurrentKiB ?? 0) / KiB;

        // Where nobody tells what it cannot drop, its files count as used, but what is available is.
        double free = AvailableKiB(host) is { } available ? Math.Min((most / KiB) - used, available / KiB) : limit - used;
        return new HostState(limit + Sizes.Sum(guests, HeldBesideGroup), overhead, ReserveShare * limit, Math.Max(0, free), time, period);
    }

    // No limit of a group counts huge pages: guests have them beside it, and count with them.
    private static double HeldBesideGroup(GuestFacts guest) => Math.Min((guest.HugePagesKiB ?? 0) / KiB, Balloon(guest) ?? 0);

    // A daemon of libvirt's may not have it at all; any other has, and not to know it is no reason to think that there is much.
    private static ulong? AvailableKiB(HostMemory host) => host.AvailableKiB is null && host.Reason == MemoryStatsReason.Fresh
        ? throw new BudgetException("what is available of the host's memory could not be read: look again, or name what guests may share with --budget SIZE")
        : host.AvailableKiB;

    // What the group holds is the group's, beside what is available. Where nobody tells how much that is, it is what its QEMUs hold.
    private static double HostHas(HostMemory host, MemoryGroup group, IReadOnlyList<GuestFacts> guests) =>
        AvailableKiB(host) is { } available ? (available / KiB) + (group.UnreclaimableKiB / KiB ?? Sizes.Sum(guests, Resident))
        : host.TotalKiB is { } total ? total / KiB
        : double.MaxValue;

    // A guest of unknown size counts nowhere else: what it holds stays overhead.
    private static double HeldInBalloon(GuestFacts guest) => Math.Min(Held(guest), Balloon(guest) ?? 0);

    // Huge pages are accounted for elsewhere.
    private static double HeldInGroup(GuestFacts guest) => Math.Min(Math.Max(0, Resident(guest) - QemuAllowance), Balloon(guest) ?? 0);

    private static double? Balloon(GuestFacts guest) => guest.SizeKiB / KiB;

    private static double Held(GuestFacts guest) => Resident(guest) + ((guest.HugePagesKiB ?? 0) / KiB);

    // Where the host does not tell, by the guest's report: what is unused was perhaps never touched, the rest was. Without a report,
    // all of its balloon: counted as overhead it would be counted twice.
    private static double Resident(GuestFacts guest) => guest.ResidentKiB is { } known ? known / KiB
        : Balloon(guest) is { } balloon ? Math.Max(0, balloon - ((guest.UnusedKiB ?? 0) / KiB))
        : 0;
}
