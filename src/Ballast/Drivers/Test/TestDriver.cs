namespace Ballast.Drivers.Test;

/// <summary>
/// libvirt's test driver: a host in memory whose domains answer what libvirt's own answers. All connections of the process
/// to <c>test:///default</c> see the same host; it begins anew when the last of them was closed. A host that a file
/// describes is the connection's own.
/// </summary>
internal sealed partial class TestDriver : IDriver
{
    private static readonly Lock SharedLock = new();
    private static TestWorld? _shared;
    private static int _users;

    private readonly TestWorld _world;
    private readonly TimeProvider _time;
    private bool _isShared;

    private TestDriver(TestWorld world, TimeProvider time)
    {
        _world = world;
        _time = time;
    }

    public static async ValueTask<TestDriver> OpenAsync(ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken)
    {
        if (uri.Path is "" or "/")
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                "testOpen: supply a path or use test:///default");
        }

        if (uri.Path != "/default")
            return new TestDriver(await TestFile.ReadAsync(uri.Path, options, cancellationToken).ConfigureAwait(false), options.TimeProvider);
        lock (SharedLock)
        {
            _shared ??= TestWorld.CreateDefault();
            _users++;
            return new TestDriver(_shared, options.TimeProvider) { _isShared = true };
        }
    }

    public static SecurityModel Security { get; } = new("testSecurity", "");

    public string Type => "TEST";

    private TestDomains Domains => _world.Domains;

    public ValueTask DisposeAsync()
    {
        lock (SharedLock)
        {
            if (_isShared && --_users == 0)
                _shared = null;
            _isShared = false;
        }

        return default;
    }

    /// <summary>Changes of state make events; of memory, none, as in libvirt's driver.</summary>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        new(Domains.Events.Add(sink));

    public ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) => new(2);

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "testConnectListAllDomains", ErrorOrigin.Test);
        return new([.. Domains.All.Where(domain => DomainRules.Matches(filter, domain.Traits)).Select(domain => domain.Identity)]);
    }

    public ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        Found(Domains.All.FirstOrDefault(domain => domain.Id == id));

    public ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        Found(Domains.All.FirstOrDefault(domain => domain.Definition.Name == name));

    public ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) => Found(Domains.Find(uuid));

    /// <summary>libvirt's test driver gives the time of day for a domain's CPU time.</summary>
    private TimeSpan CpuTimeNow => _time.GetUtcNow() - DateTimeOffset.UnixEpoch;

    /// <summary>For that of each virtual CPU, it gives a ten-thousandth.</summary>
    private TimeSpan VirtualCpuTimeNow => CpuTimeNow / 10_000;

    public ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        TestDomain now = Domains.Get(domain);
        TestDefinition definition = now.Definition;
        return new(new DomainInfo(now.State.State, definition.MaxMemoryKiB, definition.MemoryKiB, definition.Vcpus, CpuTimeNow));
    }

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).State);

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        _ = Domains.Get(domain);
        return new("linux");
    }

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).IsPersistent);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).IsAutostart);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).HasManagedSave);

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(Security);

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(Domains.Get(domain).IsActive ? new SecurityLabel("libvirt-test", IsEnforcing: true) : new SecurityLabel("", IsEnforcing: false));

    public ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported = DomainStatsGroups.State | DomainStatsGroups.Iothread;
        DomainRules.CheckStatsFlags(flags, "testConnectGetAllDomainStats", ErrorOrigin.Test);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Test, "");

        // A handle may be older than the domain's end: what is told is the domain as it is now.
        IEnumerable<TestDomain> asked = domains?.Select(domain => Domains.Find(domain.Uuid)).OfType<TestDomain>() ?? Domains.All;
        return new(
        [
            .. asked.Where(domain => DomainRules.Matches(DomainRules.ToFilter(flags), domain.Traits))
                .Select(domain => new DriverStatsRecord(domain.Identity, domain.Statistics(groups))),
        ]);
    }

    private static ValueTask<DomainIdentity> Found(TestDomain? domain) => domain is not null
        ? new(domain.Identity)
        : throw LibvirtError.Message(ErrorCode.NoDomain, ErrorOrigin.Test, "Domain not found");

    private ValueTask Change(DomainIdentity domain, Func<TestDomain, TestDomain> change)
    {
        Domains.Change(domain, change);
        return default;
    }

    private static void RefuseFlags(uint unknown, string function)
    {
        if (unknown != 0)
            throw LibvirtError.UnsupportedFlags(unknown, function, ErrorOrigin.Test);
    }
}
