namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    private const string MemoryFunction = "testDomainSetMemoryFlags";

    public ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        if (!IsOurs(domain))
            return ValueTask.FromException<int>(LibvirtError.NoDomain(ErrorOrigin.Test, domain));
        TestDomainNow now = _domain.Now;
        return now.IsActive
            ? new(TestDomain.FillMemoryStats(stats.Span, now.Definition.MemoryKiB))
            : ValueTask.FromException<int>(LibvirtError.NotRunning());
    }

    public ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        Require(domain);
        TestDomainNow now = _domain.Now;
        now.RequireActive();
        MemoryStat[] entries = new MemoryStat[MemoryStatTable.MaxCount];
        int count = TestDomain.FillMemoryStats(entries, now.Definition.MemoryKiB);
        MemoryStatsFacts facts = new()
        {
            Entries = entries[..count],
            PeriodSeconds = (uint)now.Definition.PeriodSeconds,
            IsRunning = now.State.State == DomainState.Running,
            MaximumKiB = now.Definition.MaxMemoryKiB,
        };
        return new(facts.ToSample(_time.GetUtcNow()));
    }

    /// <summary>Its one report is from 1989, and there is no other.</summary>
    public ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        SampleMemoryAsync(domain, options, cancellationToken);

    public ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, _domain.Now.Definition.PeriodSeconds);

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        Change(domain, now => Definition(now, impact, "testDomainSetMemoryStatsPeriod").PeriodSeconds = seconds);

    public ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) => Change(domain, now =>
    {
        TestDefinition definition = Definition(now, impact, MemoryFunction);
        if (kib > definition.MaxMemoryKiB)
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                "cannot set memory higher than max memory");
        }

        definition.MemoryKiB = kib;
    });

    /// <summary>The definition's maximum can be changed at any time, the running domain's never.</summary>
    public ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) => Change(domain, now =>
    {
        TestDefinition definition = Definition(now, impact, MemoryFunction);
        if (definition != _domain.Persistent)
        {
            throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test,
                "cannot resize the maximum memory on an active domain");
        }

        definition.MaxMemoryKiB = kib;
        definition.MemoryKiB = Math.Min(definition.MemoryKiB, kib);
    });

    private TestDefinition Definition(TestDomainNow now, DomainModificationImpact impact, string function)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Test);
        if (impact == both)
        {
            throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
                "virDomainObjGetOneDefState", "flags", ErrorOrigin.Domain);
        }

        if (impact == DomainModificationImpact.Live)
            now.RequireActive();
        return impact == DomainModificationImpact.Config ? _domain.Persistent : now.Definition;
    }
}
