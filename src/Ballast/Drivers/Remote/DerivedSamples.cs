using System.Collections.Concurrent;
using Ballast.Rpc;

namespace Ballast.Drivers.Remote;

/// <summary>Samples by what libvirt's protocol tells, with what can be derived from it; and the last ones, for when nobody answers.</summary>
internal sealed class DerivedSamples(TimeProvider time)
{
    private readonly ReportAges _ages = new();
    private readonly ConcurrentDictionary<Guid, (int? Id, MemoryStatsFacts Facts)> _last = [];

    /// <param name="domain">Whose they are.</param>
    /// <param name="entries">Its statistics.</param>
    /// <param name="state">Its state.</param>
    /// <param name="xml">Its XML; null where the daemon has none.</param>
    public MemoryStats Learn(DomainIdentity domain, MemoryStat[] entries, DomainState state, LibvirtDomainXml? xml)
    {
        // By our own clock, from when the report was first seen: the daemon's host may have another time.
        ReportSight sight = _ages.See(domain.Uuid, entries, time);
        MemoryStatsFacts facts = new()
        {
            Entries = entries,
            PeriodSeconds = (uint?)xml?.PeriodSeconds,
            IsRunning = state is DomainState.Running or DomainState.NoState ? true : state == DomainState.Paused ? false : null,
            Obstacle = xml is { HasNoBalloon: true } ? MemoryStatsReason.NoBalloonDevice : null,
            HostSideMissing = Find(entries, MemoryStatTag.Rss) is null ? MemoryStatsReason.UnsupportedByDaemon : null,
            MaximumKiB = xml?.MaximumKiB,
            BalloonInUsedKiB = GuestMemoryStats.BalloonInUsedKiB(
                Find(entries, MemoryStatTag.Available), Find(entries, MemoryStatTag.HugetlbPgAlloc) is not null,
                sight.ActualKiB, xml?.MaximumKiB, xml?.DeflatesOnOom),
        };

        // Domains that went are forgotten with the others when there are too many.
        if (_last.Count >= RpcLimits.MaxDomains && !_last.ContainsKey(domain.Uuid))
            _last.Clear();
        _last[domain.Uuid] = (domain.Id, facts);
        return facts.ToSample(sight.Now);
    }

    /// <summary>What was known last of that process, as old as it is now, and why it could not be asked.</summary>
    public MemoryStats LastOf(DomainIdentity domain, LibvirtException why)
    {
        MemoryStatsFacts known = _last.TryGetValue(domain.Uuid, out (int? Id, MemoryStatsFacts Facts) last) && last.Id == domain.Id
            ? last.Facts
            : new MemoryStatsFacts { Entries = [], HostSideMissing = MemoryStatsReason.MonitorHung };
        return (known with { Obstacle = MemoryStatsReason.MonitorHung, Detail = why.Message }).ToSample(_ages.See(domain.Uuid, known.Entries, time).Now);
    }

    private static ulong? Find(MemoryStat[] entries, MemoryStatTag tag)
    {
        foreach (MemoryStat entry in entries)
        {
            if (entry.Tag == tag)
                return entry.Value;
        }

        return null;
    }
}
