using Ballast.Virtio;

namespace Ballast.Drivers.Test;

internal sealed partial class FleetDriver
{
    public ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        if (!_fleet.TryFind(domain.Uuid, out int index))
            return ValueTask.FromException<int>(LibvirtError.NoDomain(ErrorOrigin.Test, domain));
        FleetGuest guest = _fleet.Guest(index);
        return new(Fill(stats.Span, guest, Look(index, guest, _fleet.Now), options));
    }

    public ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        int index = Resolve(domain);
        return new(Sample(index, _fleet.Guest(index), options, hasAnswered: null));
    }

    private MemoryStats Sample(int index, in FleetGuest guest, MemoryStatsOptions options, bool? hasAnswered)
    {
        DateTimeOffset now = _time.GetUtcNow();
        DeviceView view = Look(index, guest, _fleet.At(now));
        Span<MemoryStat> entries = stackalloc MemoryStat[GuestMemoryStats.MaxCount];
        MemoryStatsFacts facts = new()
        {
            Entries = entries[..Fill(entries, guest, view, options)].ToArray(),
            Rejected = GuestMemoryStats.Rejected(view.Report),
            PeriodSeconds = (uint)view.Settings.PeriodSeconds,
            IsRunning = guest.IsRunning,
            State = guest.State,
            DriverNotLoaded = !guest.HasDriver,
            MaximumKiB = guest.MaxMemoryKiB,
            CounterWentBackwards = CounterWentBackwards(guest, view),
            HasAnswered = hasAnswered,
        };
        return facts.ToSample(now);
    }

    public ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        int index = Resolve(domain);
        FleetGuest guest = _fleet.Guest(index);
        bool isAsked = guest.IsRunning && guest.HasDriver;
        return new(Sample(index, guest, options, hasAnswered: isAsked ? _fleet.TryRefresh(index, guest) : null));
    }

    public ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        int index = Resolve(domain);
        return new(_fleet.Settings(index, _fleet.Guest(index)).PeriodSeconds);
    }

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _fleet.SetPeriod(ResolveForChange(domain, impact, "testDomainSetMemoryStatsPeriod"), seconds);
        return default;
    }

    public ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        int index = ResolveForChange(domain, impact, "testDomainSetMemoryFlags");
        if (kib > _fleet.Guest(index).MaxMemoryKiB)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, "cannot set memory higher than max memory");
        _fleet.SetTarget(index, kib);
        return default;
    }

    public ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported = DomainStatsGroups.State | DomainStatsGroups.Balloon;
        DomainRules.CheckStatsFlags(flags, "testConnectGetAllDomainStats", ErrorOrigin.Test);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Test, "");

        // One moment for all of them.
        long now = _fleet.Now;
        StateFilter states = new(DomainRules.ToFilter(flags));
        int count = domains?.Count ?? _fleet.Count;
        List<DriverStatsRecord> records = new(states.MatchesAll ? count : 0);
        for (int i = 0; i < count; i++)
        {
            ThrowIfCancelled(i, cancellationToken);
            int index = i;
            if ((domains is null || _fleet.TryFind(domains[i].Uuid, out index)) && states.Matches(GuestKinds.Of(index)))
                records.Add(new DriverStatsRecord(domains?[i] ?? _fleet.Identity(index), Statistics(index, groups, now)));
        }

        return new(records);
    }

    private TypedParameter[] Statistics(int index, DomainStatsGroups groups, long now)
    {
        FleetGuest guest = _fleet.Guest(index);
        bool withState = (groups & DomainStatsGroups.State) != 0, withBalloon = (groups & DomainStatsGroups.Balloon) != 0;
        Span<MemoryStat> stats = stackalloc MemoryStat[GuestMemoryStats.MaxCount];
        if (withBalloon)
            stats = stats[..Fill(stats, guest, Look(index, guest, now), MemoryStatsOptions.None)];

        // Of actual, libvirt makes two fields: the size, and its limit. Others may have none.
        TypedParameter[] fields = new TypedParameter[(withState ? 2 : 0) + (withBalloon ? stats.Length + 1 : 0)];
        int count = 0;
        if (withState)
        {
            fields[count++] = TypedParameter.Int("state.state", (int)guest.State.State);
            fields[count++] = TypedParameter.Int("state.reason", guest.State.Reason);
        }

        if (withBalloon)
        {
            fields[count++] = TypedParameter.ULLong("balloon.current", stats[0].Value);
            fields[count++] = TypedParameter.ULLong("balloon.maximum", guest.MaxMemoryKiB);
            foreach (MemoryStat stat in stats)
            {
                if (stat.Tag.BalloonField() is { } field)
                    fields[count++] = TypedParameter.ULLong(field, stat.Value);
            }
        }

        return fields[..count];
    }

    private DeviceView Look(int index, in FleetGuest guest, long now)
    {
        GuestSettings settings = _fleet.Settings(index, guest);
        GuestReportTime last = settings.LastReport(guest, now);
        return new DeviceView(now, settings, last, Fleet.Read(guest, last));
    }

    private int Fill(Span<MemoryStat> stats, in FleetGuest guest, in DeviceView view, MemoryStatsOptions options)
    {
        ulong actual = view.Settings.ActualKiB(guest, view.Now);
        return GuestMemoryStats.Fill(stats, view.Report, new Known(guest, view.Now, actual, _fleet.LastUpdate(view.Last)), options);
    }

    // What was reported does not depend on who looked: so it is compared with what the guest would have said a period earlier.
    private static bool CounterWentBackwards(in FleetGuest guest, in DeviceView view)
    {
        long earlier = view.Last.IsNone ? long.MinValue : view.Last.Time - Math.Max(1, view.Settings.PeriodSeconds);
        return earlier >= guest.DriverLoadedAt && view.Report.HasCounterBelow(Fleet.Read(guest, view.Last with { Time = earlier }));
    }

    private int ResolveForChange(DomainIdentity domain, DomainModificationImpact impact, string function)
    {
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Test);
        int index = Resolve(domain);
        if ((impact & DomainModificationImpact.Config) != 0)
        {
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain,
                "transient domains do not have any persistent config");
        }

        return index;
    }

    private readonly struct Known(FleetGuest guest, long now, ulong actualKiB, ulong lastUpdate) : IMemoryStatsOfHost
    {
        public ulong? Find(MemoryStatTag tag) => tag switch
        {
            MemoryStatTag.ActualBalloon => actualKiB,
            MemoryStatTag.LastUpdate => lastUpdate,
            MemoryStatTag.Rss => guest.RssKiB(now, actualKiB),
            _ => null,
        };
    }

    /// <summary>What the balloon device knows at a moment.</summary>
    private readonly record struct DeviceView(long Now, GuestSettings Settings, GuestReportTime Last, BalloonReport Report);
}
