namespace Ballast.Drivers.Test;

/// <summary>
/// libvirt's test driver: one domain in memory that answers what libvirt's own answers. All connections of the process
/// see the same domain; it starts anew when the last of them was closed.
/// </summary>
internal sealed class TestDriver : IDriver
{
    private static readonly Lock SharedLock = new();
    private static TestDomain? _shared;
    private static int _users;

    private readonly TestDomain _domain;
    private readonly TimeProvider _time;
    private bool _disposed;

    private TestDriver(TestDomain domain, TimeProvider time)
    {
        _domain = domain;
        _time = time;
    }

    public static TestDriver Open(ConnectUri uri, ConnectionOptions options)
    {
        if (uri.Path is "" or "/")
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                "testOpen: supply a path or use test:///default");
        }

        if (uri.Path != "/default")
        {
            throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Test,
                $"test driver definitions from a file ('{uri.Path}') are not supported, use test:///default");
        }

        lock (SharedLock)
        {
            _shared ??= new TestDomain();
            _users++;
            return new TestDriver(_shared, options.TimeProvider);
        }
    }

    public string Type => "TEST";

    public ValueTask DisposeAsync()
    {
        lock (SharedLock)
        {
            if (!_disposed && --_users == 0)
                _shared = null;
            _disposed = true;
        }

        return default;
    }

    /// <summary>Nothing of what can be changed here makes an event, as in libvirt's driver.</summary>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        new(_domain.Events.Add(sink));

    public ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) => new(2);

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "testConnectListAllDomains", ErrorOrigin.Test);
        return new(DomainRules.Matches(filter, TestDomain.Traits) ? [TestDomain.Identity] : []);
    }

    public ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) => Found(id == TestDomain.Identity.Id);

    public ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        Found(name == TestDomain.Identity.Name);

    public ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        Found(uuid == TestDomain.Identity.Uuid);

    public ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Require(domain);
        // libvirt's test driver gives the time of day for CPU time.
        TimeSpan cpuTime = _time.GetUtcNow() - DateTimeOffset.UnixEpoch;
        return new(new DomainInfo(
            DomainState.Running, TestDomain.MaxMemoryKiB, _domain.Live.MemoryKiB, TestDomain.VirtualCpus, cpuTime));
    }

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, TestDomain.State);

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, "linux");

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, true);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, false);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, false);

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(new SecurityModel("testSecurity", ""));

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, new SecurityLabel("libvirt-test", IsEnforcing: true));

    public ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        IsOurs(domain) ? new(_domain.FillMemoryStats(stats.Span)) : ValueTask.FromException<int>(LibvirtError.NoDomain(ErrorOrigin.Test, domain));

    public ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        Require(domain);
        MemoryStat[] entries = new MemoryStat[TestDomain.StatCount];
        _ = _domain.FillMemoryStats(entries);
        MemoryStatsFacts facts = new()
        {
            Entries = entries,
            PeriodSeconds = (uint)_domain.Live.PeriodSeconds,
            IsRunning = true,
            MaximumKiB = TestDomain.MaxMemoryKiB,
        };
        return new(facts.ToSample(_time.GetUtcNow()));
    }

    /// <summary>Its one report is from 1989, and there is no other.</summary>
    public ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        SampleMemoryAsync(domain, options, cancellationToken);

    public ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, _domain.Live.PeriodSeconds);

    public ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        Require(domain);
        Definition(impact, "testDomainSetMemoryStatsPeriod").PeriodSeconds = seconds;
        return default;
    }

    public ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        Require(domain);
        TestDefinition definition = Definition(impact, "testDomainSetMemoryFlags");
        if (kib > TestDomain.MaxMemoryKiB)
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                "cannot set memory higher than max memory");
        }

        definition.MemoryKiB = kib;
        return default;
    }

    public ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported = DomainStatsGroups.State | DomainStatsGroups.Iothread;
        DomainRules.CheckStatsFlags(flags, "testConnectGetAllDomainStats", ErrorOrigin.Test);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Test, "");

        List<DriverStatsRecord> records = [];
        if (DomainRules.Matches(DomainRules.ToFilter(flags), TestDomain.Traits))
        {
            foreach (DomainIdentity domain in domains?.Where(IsOurs) ?? [TestDomain.Identity])
                records.Add(new DriverStatsRecord(domain, TestDomain.Statistics(groups)));
        }

        return new(records);
    }

    private static bool IsOurs(DomainIdentity domain) => domain.Uuid == TestDomain.Identity.Uuid;

    private static void Require(DomainIdentity domain)
    {
        if (!IsOurs(domain))
            throw LibvirtError.NoDomain(ErrorOrigin.Test, domain);
    }

    private static ValueTask<T> Of<T>(DomainIdentity domain, T value)
    {
        Require(domain);
        return new(value);
    }

    private TestDefinition Definition(DomainModificationImpact impact, string function)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Test);
        if (impact == both)
        {
            throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
                "virDomainObjGetOneDefState", "flags", ErrorOrigin.Domain);
        }

        return impact == DomainModificationImpact.Config ? _domain.Persistent : _domain.Live;
    }

    private static ValueTask<DomainIdentity> Found(bool found) =>
        found
            ? new(TestDomain.Identity)
            : throw new LibvirtException(ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found") { Str1 = "Domain not found" };
}
