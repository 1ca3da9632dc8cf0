using System.Collections.Concurrent;
using System.Globalization;
using Ballast.Rpc;

namespace Ballast.Drivers.Remote;

/// <summary>Samples by what libvirt's protocol tells, with what can be derived from it; and the last ones, for when nobody answers.</summary>
internal sealed class DerivedSamples(TimeProvider time, bool sharesClock)
{
    private readonly ConcurrentDictionary<Guid, (int? Id, MemoryStatsFacts Facts)> _last = [];

    /// <summary>Where events tell of resets.</summary>
    public RemoteReports Reports { get; } = new(time, sharesClock);

    /// <param name="domain">Whose they are.</param>
    /// <param name="told">Its statistics, as the daemon told them.</param>
    /// <param name="askedAt">When it was asked for them.</param>
    /// <param name="state">Its state.</param>
    /// <param name="xml">Its XML; null where the daemon has none.</param>
    public MemoryStats Learn(DomainIdentity domain, MemoryStat[] told, long askedAt, DomainStateInfo state, LibvirtDomainXml? xml)
    {
        (MemoryStat[] entries, MemoryStatTagSet rejected) = MemoryStatTable.Sift(told);
        ReportLook look = new(entries, askedAt);
        ReportSight sight = Reports.See(domain, look);
        MemoryStatsFacts facts = Describe(sight, new()
        {
            Entries = entries,
            Rejected = rejected,
            PeriodSeconds = (uint?)xml?.PeriodSeconds,
            IsRunning = state.State.IsRunning(),
            State = state,
            Obstacle = xml is { HasNoBalloon: true } ? MemoryStatsReason.NoBalloonDevice : null,
            HostSideMissing = look.Find(MemoryStatTag.Rss) is null ? MemoryStatsReason.UnsupportedByDaemon : null,
            MaximumKiB = xml?.MaximumKiB,
            BalloonInUsedKiB = GuestMemoryStats.BalloonInUsedKiB(
                look.Find(MemoryStatTag.Available), look.Find(MemoryStatTag.HugetlbPgAlloc) is not null,
                sight.ActualKiB, xml?.MaximumKiB, xml?.DeflatesOnOom),
        });

        // An answer that a newer one overtook is no last one.
        if (sight.IsOvertaken)
            return facts.ToSample(sight.Now);

        // Domains that went are forgotten with the others when there are too many.
        if (_last.Count >= RpcLimits.MaxDomains && !_last.ContainsKey(domain.Uuid))
            _last.Clear();
        _last[domain.Uuid] = (domain.Id, facts);
        return facts.ToSample(sight.Now);
    }

    /// <summary>What was known last of that process, as old as it is now, and why it could not be asked.</summary>
    public MemoryStats LastOf(DomainIdentity domain, LibvirtException why)
    {
        bool isKnown = _last.TryGetValue(domain.Uuid, out (int? Id, MemoryStatsFacts Facts) last) && last.Id == domain.Id;
        ReportSight sight = Reports.LastOf(domain);
        MemoryStatsFacts known = isKnown
            ? Describe(sight, last.Facts) with { IsRunning = null, State = null }
            : new MemoryStatsFacts { Entries = [], HostSideMissing = MemoryStatsReason.MonitorHung };
        return (known with { Obstacle = MemoryStatsReason.MonitorHung, Detail = why.Message }).ToSample(sight.Now);
    }

    private static MemoryStatsFacts Describe(in ReportSight sight, MemoryStatsFacts facts) => facts with
    {
        KnownFor = sight.KnownFor,
        IsFromBeforeReset = sight.IsFromBeforeReset,
        CounterWentBackwards = sight.CounterWentBackwards,
        ActualAtReportKiB = sight.ActualAtReportKiB,

        // Neither fresh nor old: who is told that it is old is told why.
        Detail = sight.AtMost is { } atMost && atMost > facts.FreshFor && sight.KnownFor <= facts.FreshFor
            ? string.Create(CultureInfo.InvariantCulture, $"at most: it came in the {(atMost - sight.KnownFor).TotalSeconds:0} s between two samples; sample more often to know its age")
            : null,
    };
}
