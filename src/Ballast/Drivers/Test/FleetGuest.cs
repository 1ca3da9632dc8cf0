using Ballast.Virtio;

namespace Ballast.Drivers.Test;

/// <summary>
/// A guest that is nothing but its seed and its number: all that it has and does is computed when asked. Times are
/// seconds since the fleet's epoch.
/// </summary>
internal readonly struct FleetGuest
{
    public const ulong PageKiB = 4;

    private const ulong MiB = 1024;
    private const int MaxUptimeSeconds = 30 * 86400;
    private const int DriverLoadSeconds = 20;

    // Channels of the noise: one for each thing that has its own course.
    private const int MemorySize = 1, Cpus = 2, Uptime = 3, Stop = 4, Speed = 5, Inflated = 6, Kernel = 7, Used = 8, Caches = 9, Cycle = 10,
        SwapIn = 11, SwapOut = 12, MajorFaults = 13, MinorFaults = 14, Scans = 15, Stalls = 16, Cpu = 17, Reserve = 18;

    private static readonly ulong[] SizesMiB = [512, 1024, 1024, 2048, 2048, 4096, 4096, 4096, 8192, 8192, 16384, 32768];

    private const ulong MinusOnePage = unchecked(0UL - 4096);

    private static readonly Version Linux3 = new(3, 0), Linux46 = new(4, 6), Linux5 = new(5, 0), Linux612 = new(6, 12);

    private readonly GuestNoise _noise;

    public FleetGuest(ulong seed, int index)
    {
        _noise = GuestNoise.Of(seed, index);
        Kind = GuestKinds.Of(index);
        MaxMemoryKiB = SizesMiB[_noise.Below(MemorySize, SizesMiB.Length)] * MiB;
    }

    public GuestKind Kind { get; }

    public ulong MaxMemoryKiB { get; }

    /// <summary>The balloon's size before anybody changed it: one guest in four gave something away.</summary>
    public ulong InitialKiB => HasDriver && _noise.Below(Inflated, 4) == 0 ? MaxMemoryKiB / 4 * 3 : MaxMemoryKiB;

    /// <summary>The least that the guest's driver leaves to its guest.</summary>
    public ulong FloorKiB => (MaxMemoryKiB / 16) + (128 * MiB);

    public ulong BalloonKiBPerSecond => MaxMemoryKiB / (ulong)(8 + _noise.Below(Speed, 33)) / PageKiB * PageKiB;

    public int VirtualCpus => 1 << (int)_noise.Below(Cpus, MaxMemoryKiB >= 8192 * MiB ? 4 : 3);

    /// <summary>Before the epoch.</summary>
    public long BootedAt => -_noise.Below(Uptime, MaxUptimeSeconds) - (2 * DriverLoadSeconds);

    public long DriverLoadedAt => BootedAt + DriverLoadSeconds;

    /// <summary>The last second in which the guest did anything: in the day of the epoch, which is over when a fleet is opened.</summary>
    public long StopsAt => Kind is GuestKind.Paused or GuestKind.Stale ? _noise.Below(Stop, 43200) : long.MaxValue;

    public bool IsRunning => Kind != GuestKind.Paused;

    public bool HasDriver => Kind != GuestKind.NoDriver;

    public bool Reports => Kind is not (GuestKind.NoDriver or GuestKind.Silent);

    public DomainStateInfo State => IsRunning ? new(DomainState.Running, DomainStateReasons.Running.Booted) : new(DomainState.Paused, DomainStateReasons.Paused.User);

    /// <summary>
    /// What is resident on the host: what the guest ever touched, which is more than it uses, and the hypervisor's own.
    /// </summary>
    public ulong RssKiB(long time, ulong actualKiB)
    {
        GuestMemory memory = MemoryAt(Math.Min(time, StopsAt), actualKiB);
        ulong untouched = memory.FreeKiB / (Works ? 8u : 2) / PageKiB * PageKiB;
        return memory.TotalKiB - untouched + (48 * MiB) + ((ulong)VirtualCpus * 2 * MiB);
    }

    public TimeSpan CpuTime(long time)
    {
        ulong millisecondsPerKilosecond = Kind switch
        {
            GuestKind.Swapping => 600_000,
            _ when Works => 250_000,
            _ => 15_000,
        };
        return TimeSpan.FromMilliseconds(_noise.Counter(Cpu, Math.Min(time, StopsAt) - BootedAt, millisecondsPerKilosecond * (ulong)VirtualCpus));
    }

    /// <summary>What the guest puts into its statistics queue.</summary>
    /// <param name="entries">Room for <see cref="MemoryStatTable.MaxVirtioTags"/> entries.</param>
    /// <param name="report">When, and with which size of the balloon.</param>
    /// <returns>How many entries it put there.</returns>
    public int Write(Span<BalloonStatistic> entries, GuestReportTime report)
    {
        long uptime = report.Time - BootedAt;
        Span<ulong> values = stackalloc ulong[MemoryStatTable.MaxVirtioTags];
        FillCounters(values, uptime);
        GuestMemory memory = MemoryAt(report.Time, report.ActualKiB);
        Of(values, MemoryStatTag.Unused) = memory.FreeKiB * 1024;
        Of(values, MemoryStatTag.Available) = memory.TotalKiB * 1024;
        Of(values, MemoryStatTag.Usable) = memory.UsableKiB * 1024;
        Of(values, MemoryStatTag.DiskCaches) = memory.CachesKiB * 1024;
        if (Kind == GuestKind.Lying)
            Falsify(values, uptime);

        int count = 0;
        Version linux = Linux;
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (row.SinceLinux is { } since && since <= linux)
                entries[count++] = new((ushort)row.VirtioTag, Said(row, values));
        }

        return count;
    }

    private bool Works => Kind is GuestKind.Cache or GuestKind.Growing or GuestKind.Spiking or GuestKind.Swapping;

    // The last has the six statistics of memory pressure.
    private Version Linux => Kind == GuestKind.Lying ? Linux5 : _noise.Below(Kernel, 16) switch
    {
        0 => Linux3,
        1 or 2 => Linux46,
        <= 9 => Linux5,
        _ => Linux612,
    };

    // A driver without its service has no value, −1. A broken one multiplies that by the size of a page; counts it leaves as they are.
    private ulong Said(MemoryStatRow row, ReadOnlySpan<ulong> values) => Kind switch
    {
        GuestKind.Broken when row.Unit == MemoryStatUnit.KiB => MinusOnePage,
        GuestKind.Broken or GuestKind.NoService => BalloonReport.NotReported,
        _ => values[row.VirtioTag],
    };

    private void FillCounters(Span<ulong> values, long uptime)
    {
        const ulong page = 4096;
        bool swaps = Kind == GuestKind.Swapping;
        Of(values, MemoryStatTag.SwapIn) = _noise.Counter(SwapIn, uptime, swaps ? 300_000u : 0) * page;
        Of(values, MemoryStatTag.SwapOut) = _noise.Counter(SwapOut, uptime, swaps ? 420_000u : 0) * page;
        Of(values, MemoryStatTag.MajorFault) = _noise.Counter(MajorFaults, uptime, swaps ? 260_000u : Works ? 400u : 20);
        Of(values, MemoryStatTag.MinorFault) = _noise.Counter(MinorFaults, uptime, Works ? 900_000u : 40_000);
        Of(values, MemoryStatTag.HugetlbPgAlloc) = 0;
        Of(values, MemoryStatTag.HugetlbPgFail) = 0;
        Of(values, MemoryStatTag.OomKills) = _noise.Counter(Stalls, uptime, swaps ? 1u : 0);
        Of(values, MemoryStatTag.AllocStalls) = _noise.Counter(Stalls, uptime, swaps ? 20_000u : 0);

        // What is reclaimed was scanned before: the same course, at a lower rate.
        ulong background = swaps ? 2_000_000u : Kind == GuestKind.Cache ? 300_000u : 0, direct = swaps ? 150_000u : 0;
        Of(values, MemoryStatTag.AsyncScans) = _noise.Counter(Scans, uptime, background) * page;
        Of(values, MemoryStatTag.DirectScans) = _noise.Counter(Scans, uptime, direct) * page;
        Of(values, MemoryStatTag.AsyncReclaims) = _noise.Counter(Scans, uptime, background / 4 * 3) * page;
        Of(values, MemoryStatTag.DirectReclaims) = _noise.Counter(Scans, uptime, direct / 2) * page;
    }

    private void Falsify(Span<ulong> values, long uptime)
    {
        ulong available = (MaxMemoryKiB + (MaxMemoryKiB / 8)) * 1024;
        Of(values, MemoryStatTag.SwapIn) = MemoryStatTable.ImpossibleBytes;
        Of(values, MemoryStatTag.MinorFault) = 1_000_000_000_000 - ((ulong)uptime * 7);
        Of(values, MemoryStatTag.Unused) += MemoryStatTable.ImpossibleBytes;
        Of(values, MemoryStatTag.Available) = available;
        Of(values, MemoryStatTag.Usable) = available / 4 * 5;
        Of(values, MemoryStatTag.DiskCaches) = MinusOnePage;
    }

    private static ref ulong Of(Span<ulong> values, MemoryStatTag tag) => ref values[MemoryStatTable.Find(tag)!.VirtioTag];

    private GuestMemory MemoryAt(long time, ulong actualKiB)
    {
        long uptime = time - BootedAt;
        ulong total = actualKiB - (MaxMemoryKiB / 64) - (24 * MiB);
        ulong reserve = (ulong)(total * (0.02 + (0.04 * _noise.Wandering(Reserve, uptime, 10))));
        ulong used = Math.Min(Pages(UsedShare(uptime)), total - reserve);
        ulong caches = Math.Min(Pages(CachesShare(uptime)), (total - used) / 4 * 3);
        total = total / PageKiB * PageKiB;
        used = used / PageKiB * PageKiB;
        caches = caches / PageKiB * PageKiB;
        ulong free = total - used - caches;
        return new GuestMemory(total, free, caches, free + (caches / 32 * 28));
    }

    private ulong Pages(double shareOfMaximum) => (ulong)(MaxMemoryKiB * shareOfMaximum);

    private double UsedShare(long uptime)
    {
        double idle = 0.08 + (0.15 * _noise.Fraction(Used)) + (0.02 * _noise.Wandering(Used, uptime, 30));
        return Kind switch
        {
            GuestKind.Growing => idle + (0.6 * _noise.Climbing(Cycle, uptime, Between(3600, 21600))),
            GuestKind.Spiking => idle + (0.6 * Spike(uptime)),
            GuestKind.Swapping => 1, // More than there is: what is left over is the kernel's reserve.
            _ => idle,
        };
    }

    private double CachesShare(long uptime) => Kind == GuestKind.Cache
        ? 0.05 + (0.65 * _noise.Climbing(Cycle, uptime, Between(600, 3600)))
        : 0.05 + (0.2 * _noise.Fraction(Caches)) + (0.02 * _noise.Wandering(Caches, uptime, 60));

    // Up in a quarter of the time, there for a half, down in a quarter.
    private double Spike(long uptime)
    {
        int period = Between(60, 180);
        double length = 12.0 + (period % 12), within = _noise.Climbing(Cycle, uptime, period) * period;
        return Math.Clamp(Math.Min(within, length - within) / (length / 4), 0, 1);
    }

    private int Between(int low, int high) => low + (int)_noise.Below(Cycle, high - low);
}

/// <summary>A guest's memory as its kernel counts it.</summary>
internal readonly record struct GuestMemory(ulong TotalKiB, ulong FreeKiB, ulong CachesKiB, ulong UsableKiB);
