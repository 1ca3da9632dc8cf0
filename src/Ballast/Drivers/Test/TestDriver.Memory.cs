namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    private const string MemoryFunction = "testDomainSetMemoryFlags";

    public ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        if (Domains.Find(domain.Uuid) is not { } now)
            return ValueTask.FromException<int>(LibvirtError.NoDomain(ErrorOrigin.Test, domain));
        return now.IsActive
            ? new(now.FillMemoryStats(stats.Span))
            : ValueTask.FromException<int>(LibvirtError.NotRunning());
    }

    public ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        now.RequireActive();
        Span<MemoryStat> entries = stackalloc MemoryStat[MemoryStatTable.MaxCount];
        int count = now.FillMemoryStats(entries);
        MemoryStatsFacts facts = new()
        {
            Entries = entries[..count].ToArray(),
            Obstacle = now.Definition.HasBalloon ? null : MemoryStatsReason.NoBalloonDevice,
            PeriodSeconds = (uint)now.Definition.PeriodSeconds,
            IsRunning = now.State.State.IsRunning(),
            State = now.State,
            MaximumKiB = now.Definition.MaxMemoryKiB,
        };
        return new(facts.ToSample(_time.GetUtcNow()));
    }

    /// <summary>Its one report is from 1989, and there is no other.</summary>
    public ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        SampleMemoryAsync(domain, options, cancellationToken);

    public ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).Definition.PeriodSeconds);

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeOne(domain, impact, "testDomainSetMemoryStatsPeriod", (_, definition) => definition.HasBalloon
            ? definition with { PeriodSeconds = seconds }
            : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Test,
                "No memory balloon device configured, can not set the collection period"));

    public ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeOne(domain, impact, MemoryFunction, (_, definition) => kib <= definition.MaxMemoryKiB
            ? definition with { MemoryKiB = kib }
            : throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, "cannot set memory higher than max memory"));

    /// <summary>The definition's maximum can be changed at any time, the running domain's never.</summary>
    public ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        ChangeOne(domain, impact, MemoryFunction, (isLive, definition) => isLive
            ? throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test, "cannot resize the maximum memory on an active domain")
            : kib <= (definition.PluggableKiB ?? ulong.MaxValue)
                ? definition with { MaxMemoryKiB = kib, MemoryKiB = Math.Min(definition.MemoryKiB, kib) }
                : throw LibvirtError.Report(
                    ErrorCode.OperationInvalid, ErrorOrigin.Test, "cannot set initial memory size greater than the maximum memory size"));

    /// <summary>Changes the running domain or its definition, never both; the change learns whether it is the running one.</summary>
    private ValueTask ChangeOne(
        DomainIdentity domain, DomainModificationImpact impact, string function, Func<bool, TestDefinition, TestDefinition> change)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Test);
        return Change(domain, now => impact != both
            ? now.Change(impact, definition => change(now.IsActive && impact != DomainModificationImpact.Config, definition))
            : throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
                "virDomainObjGetOneDefState", "flags", ErrorOrigin.Domain));
    }
}
