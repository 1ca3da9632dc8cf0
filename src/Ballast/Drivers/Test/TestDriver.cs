namespace Ballast.Drivers.Test;

/// <summary>
/// libvirt's test driver: one domain in memory that answers what libvirt's own answers. All connections of the process
/// see the same domain; it starts anew when the last of them was closed.
/// </summary>
internal sealed partial class TestDriver : IDriver
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

    public static SecurityModel Security { get; } = new("testSecurity", "");

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

    /// <summary>Changes of state make events; of memory, none, as in libvirt's driver.</summary>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        new(_domain.Events.Add(sink));

    public ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) => new(2);

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "testConnectListAllDomains", ErrorOrigin.Test);
        TestDomainNow now = _domain.Now;
        return new(DomainRules.Matches(filter, now.Traits) ? [now.Identity] : []);
    }

    public ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) => Found(id == _domain.Now.Identity.Id);

    public ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        Found(name == TestDomain.Name);

    public ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        Found(uuid == TestDomain.Uuid);

    public ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Require(domain);
        // libvirt's test driver gives the time of day for CPU time.
        TimeSpan cpuTime = _time.GetUtcNow() - DateTimeOffset.UnixEpoch;
        TestDomainNow now = _domain.Now;
        return new(new DomainInfo(
            now.State.State, now.Definition.MaxMemoryKiB, now.Definition.MemoryKiB, TestDomain.VirtualCpus, cpuTime));
    }

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, _domain.Now.State);

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, "linux");

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, true);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, false);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) => Of(domain, false);

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(Security);

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of(domain, _domain.Now.IsActive ? new SecurityLabel("libvirt-test", IsEnforcing: true) : new SecurityLabel("", IsEnforcing: false));

    public ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported = DomainStatsGroups.State | DomainStatsGroups.Iothread;
        DomainRules.CheckStatsFlags(flags, "testConnectGetAllDomainStats", ErrorOrigin.Test);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Test, "");

        List<DriverStatsRecord> records = [];
        TestDomainNow now = _domain.Now;
        if (DomainRules.Matches(DomainRules.ToFilter(flags), now.Traits))
        {
            // A handle may be older than the domain's end: what is told is the domain as it is now.
            int times = domains?.Count(IsOurs) ?? 1;
            for (int i = 0; i < times; i++)
                records.Add(new DriverStatsRecord(now.Identity, now.Statistics(groups)));
        }

        return new(records);
    }

    private static bool IsOurs(DomainIdentity domain) => domain.Uuid == TestDomain.Uuid;

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

    private ValueTask<DomainIdentity> Found(bool found) =>
        found
            ? new(_domain.Now.Identity)
            : throw new LibvirtException(ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found") { Str1 = "Domain not found" };
}
