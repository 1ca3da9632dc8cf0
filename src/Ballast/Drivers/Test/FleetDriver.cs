using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>
/// <c>test:///fleet?domains=N&amp;seed=S</c>: simulated guests whose memory moves. All connections of the process with the
/// same parameters and the same clock see the same guests; they start anew when the last of them was closed.
/// </summary>
internal sealed partial class FleetDriver : IDriver
{
    public const string Path = "/fleet";

    private const int DefaultDomains = 10, MaxDomains = 100_000;
    private const ulong DefaultSeed = 1;

    private readonly Fleet _fleet;
    private readonly TimeProvider _time;
    private int _disposed;

    private FleetDriver(Fleet fleet, TimeProvider time)
    {
        _fleet = fleet;
        _time = time;
    }

    public static FleetDriver Open(ConnectUri uri, ConnectionOptions options)
    {
        uri.RefuseUnknown(ErrorOrigin.Test, known: ["domains", "seed"]);
        int domains = DefaultDomains;
        if (uri.Parameter("domains") is { } count
            && (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out domains) || domains is < 1 or > MaxDomains))
        {
            throw BadParameter($"domains '{count}' in {uri.Original} is not a number from 1 to {MaxDomains}");
        }

        ulong seed = DefaultSeed;
        if (uri.Parameter("seed") is { } text && !ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seed))
            throw BadParameter($"seed '{text}' in {uri.Original} is not a number from 0 to {ulong.MaxValue}");
        return new FleetDriver(Fleet.Acquire(domains, seed, options.TimeProvider), options.TimeProvider);
    }

    public string Type => "TEST";

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _fleet.Release();
        return default;
    }

    /// <summary>Balloons move; guests do not come, go or change their state.</summary>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        new(_fleet.Events.Subscribe(sink));

    public ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) => new(2);

    public ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "testConnectListAllDomains", ErrorOrigin.Test);
        StateFilter states = new(filter);
        List<DomainIdentity> found = new(states.MatchesAll ? _fleet.Count : 0);
        for (int index = 0; index < _fleet.Count; index++)
        {
            ThrowIfCancelled(index, cancellationToken);
            if (states.Matches(GuestKinds.Of(index)))
                found.Add(_fleet.Identity(index));
        }

        return new(found);
    }

    public ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        id >= 1 && id <= _fleet.Count ? new(_fleet.Identity(id - 1)) : throw NoDomain($"no domain with matching id {id}");

    public ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        GuestKinds.TryParse(name, out int index) && index < _fleet.Count
            ? new(_fleet.Identity(index))
            : throw NoDomain($"no domain with matching name '{name}'");

    public ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        _fleet.TryFind(uuid, out int index) ? new(_fleet.Identity(index)) : throw NoDomain($"no domain with matching uuid '{uuid}'");

    public ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        int index = Resolve(domain);
        FleetGuest guest = _fleet.Guest(index);
        long now = _fleet.Now;
        return new(new DomainInfo(guest.State.State, guest.MaxMemoryKiB, _fleet.Settings(index, guest).ActualKiB(guest, now),
            guest.VirtualCpus, guest.CpuTime(now)));
    }

    public ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        new(_fleet.Guest(Resolve(domain)).State);

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Fact(domain, "hvm");

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) => Fact(domain, false);

    public ValueTask<bool> IsUpdatedAsync(DomainIdentity domain, CancellationToken cancellationToken) => Fact(domain, false);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) => Fact(domain, false);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) => Fact(domain, false);

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(new SecurityModel("none", "0"));

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Fact(domain, new SecurityLabel("", IsEnforcing: false));

    private ValueTask<T> Fact<T>(DomainIdentity domain, T value)
    {
        _ = Resolve(domain);
        return new(value);
    }

    private int Resolve(DomainIdentity domain) =>
        _fleet.TryFind(domain.Uuid, out int index) ? index : throw LibvirtError.NoDomain(ErrorOrigin.Test, domain);

    // Often enough to be prompt, seldom enough to cost nothing.
    private static void ThrowIfCancelled(int index, CancellationToken cancellationToken)
    {
        const int every = 1024;
        if (index % every == 0)
            cancellationToken.ThrowIfCancellationRequested();
    }

    private static LibvirtException NoDomain(string detail) => LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Test, detail);

    private static LibvirtException BadParameter(string detail) => LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test, detail);

    /// <summary>libvirt's filter, decided once for each state that a simulated guest can be in.</summary>
    private readonly struct StateFilter(DomainListFilter filter)
    {
        private readonly bool _running = Passes(filter, DomainState.Running), _paused = Passes(filter, DomainState.Paused);

        public bool MatchesAll => _running && _paused;

        public bool Matches(GuestKind kind) => kind == GuestKind.Paused ? _paused : _running;

        private static bool Passes(DomainListFilter filter, DomainState state) =>
            DomainRules.Matches(filter, new DomainTraits(state, IsPersistent: false, HasManagedSave: false, IsAutostart: false));
    }
}
