namespace Ballast.Drivers.Test;

/// <content>A host that is a little too small for all its guests at their largest.</content>
internal sealed partial class FleetDriver
{
    private const ulong GiB = 1024 * 1024;

    // Of what its guests could have, the host has this; of that, it needs this itself, and this is always left.
    private const ulong EighthsOfMaxima = 7, Eighths = 8, PartOfHost = 32, PartAvailable = 64, PartSwap = 4;

    public ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken)
    {
        ulong maxima = 0, resident = 0;
        long now = _fleet.Now;
        for (int index = 0; index < _fleet.Count; index++)
        {
            ThrowIfCancelled(index, cancellationToken);
            FleetGuest guest = _fleet.Guest(index);
            maxima += guest.MaxMemoryKiB;
            resident += guest.RssKiB(now, _fleet.Settings(index, guest).ActualKiB(guest, now));
        }

        ulong total = ((maxima / Eighths * EighthsOfMaxima / GiB) + 2) * GiB, used = resident + (total / PartOfHost);
        ulong available = Math.Max(total / PartAvailable, total - Math.Min(total, used));
        return new(new HostMemory
        {
            Reason = MemoryStatsReason.Fresh,
            TotalKiB = total,
            FreeKiB = available / 2,
            AvailableKiB = available,
            SwapTotalKiB = total / PartSwap,
            SwapFreeKiB = total / PartSwap,
            MergedKiB = 0,
            SomePressure = default(MemoryPressure),
            FullPressure = default(MemoryPressure),
        });
    }

    public ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
        IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken)
    {
        long now = _fleet.Now;
        List<DriverProcessMemory> found = new(domains.Count);
        foreach (DomainIdentity domain in domains)
        {
            if (_fleet.TryFind(domain.Uuid, out int index))
                found.Add(new DriverProcessMemory(domain, Process(_fleet.Guest(index), now)));
        }

        return new(found);
    }

    private static ProcessMemory Process(in FleetGuest guest, long now) => new()
    {
        Reason = MemoryStatsReason.Fresh,
        SwappedKiB = 0,
        LockedKiB = 0,
        PinnedKiB = 0,
        HugePagesKiB = 0,
        MergedKiB = 0,
        ReportsFreePages = false,
        DeflatesOnOom = false,
        RunTime = TimeSpan.FromSeconds(now - guest.BootedAt),
    };
}
