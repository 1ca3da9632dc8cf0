using Ballast.Drivers;
using Ballast.Telemetry;

namespace Ballast;

/// <summary>A connection to a hypervisor: in process or, later, through a daemon. Safe for use by many threads.</summary>
/// <example>
/// <code>
/// await using Connection connection = await Connection.OpenAsync("qmp:///run/vm1/qmp.sock");
/// Domain domain = (await connection.ListDomainsAsync())[0];
/// MemoryStats stats = await domain.GetMemoryStatsAsync();
/// Console.WriteLine($"{domain.Name}: {stats.Used?.KiB} of {stats.AvailableKiB} KiB, {stats.Reason.Label()}");
/// </code>
/// </example>
public sealed partial class Connection : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<DomainEventSubscription> _subscriptions = [];
    private readonly PeriodLeases _ensured;
    private readonly bool _ownsDriver = true;
    private readonly TaskCompletionSource<LibvirtException?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _awaitsLoss;
    private bool _disposing;
    private bool _disposed;

    internal Connection(IDriver driver, string uri, ConnectionOptions options)
    {
        Driver = driver;
        Uri = uri;
        Options = options;
        Log = ConnectionLog.Of(options);
        _ensured = new PeriodLeases(this);
    }

    private Connection(Connection owner, ConnectionOptions options)
        : this(owner.Driver, owner.Uri, options) => _ownsDriver = false;

    internal PeriodLeases PeriodLeases => _ensured;

    internal IDriver Driver
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return field;
        }
    }

    internal ConnectionOptions Options { get; }

    internal ConnectionLog Log { get; }

    /// <summary>The URI that the connection was opened with.</summary>
    public string Uri { get; }

    /// <summary>libvirt's name of the driver: <c>QEMU</c>, <c>TEST</c>.</summary>
    public string DriverType => Driver.Type;

    /// <summary>Whether calls that change something are refused.</summary>
    public bool IsReadOnly => Options.ReadOnly;

    /// <summary>False where the connection to a daemon was lost and is not opened again; in process it is always true.</summary>
    public bool IsAlive => Driver.IsAlive;

    /// <summary>
    /// Ends when the connection is of no more use: with null when it is disposed, with the reason when the connection to a
    /// daemon is lost and is not opened again (<see cref="ConnectionOptions.Reconnect"/>). It never fails.
    /// </summary>
    public Task<LibvirtException?> Closed
    {
        get
        {
            lock (_gate)
            {
                if (!_awaitsLoss && !_disposing && Driver.Lost is { } lost)
                    _ = TellLossAsync(lost);
                _awaitsLoss = true;
            }

            return _closed.Task;
        }
    }

    /// <summary>The version of libvirt that this library is compatible with.</summary>
    public static Version LibraryVersion { get; } = LibvirtVersion.FromNumber(LibvirtVersion.Compatible);

    /// <summary>Opens a connection.</summary>
    /// <param name="uri">
    /// <c>test:///default</c>: libvirt's test driver. <c>test:///fleet[?domains=N&amp;seed=S]</c>: simulated
    /// guests. <c>qmp:///ABSOLUTE/PATH[?timeout=2s]</c>: the QEMU behind that monitor socket; naming a socket is consent to
    /// use it. <c>qemu:///system</c>, <c>qemu:///session</c>, <c>qemu+unix:///system?socket=PATH[&amp;timeout=30s]</c>:
    /// through a daemon, ballastd's or libvirt's. A name of libvirt.conf's <c>uri_aliases</c>. Null or empty: the environment's
    /// <c>LIBVIRT_DEFAULT_URI</c>, libvirt.conf's <c>uri_default</c>, the daemon that is there, or every QEMU of this host.
    /// </param>
    /// <param name="options">How to open it; null takes the defaults.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoConnect"/>: no driver takes the URI. <see cref="ErrorCode.SystemError"/>: the socket cannot
    /// be connected to. <see cref="ErrorCode.ResourceBusy"/>: another program holds the monitor.
    /// <see cref="ErrorCode.OperationTimeout"/>: the monitor or daemon did not answer in time.
    /// </exception>
    public static async ValueTask<Connection> OpenAsync(
        string? uri = null, ConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ConnectionOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.DaemonTimeout, TimeSpan.Zero, nameof(options));
        ArgumentNullException.ThrowIfNull(options.TimeProvider, nameof(options));

        string name = string.IsNullOrEmpty(uri) ? DriverSelection.DefaultUri() : DriverSelection.Resolve(uri);
        IDriver driver = await DriverSelection.OpenAsync(ConnectUri.Parse(name), options, cancellationToken).ConfigureAwait(false);
        return new Connection(driver, name, options);
    }

    /// <summary>The hypervisor's version.</summary>
    public async ValueTask<Version> GetVersionAsync(CancellationToken cancellationToken = default) =>
        LibvirtVersion.FromNumber(await Driver.GetVersionAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>The version of libvirt that the other side is: a daemon's own, <see cref="LibraryVersion"/> in process.</summary>
    public async ValueTask<Version> GetLibraryVersionAsync(CancellationToken cancellationToken = default) =>
        LibvirtVersion.FromNumber(await Driver.GetLibraryVersionAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>The host's security driver.</summary>
    public async ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetSecurityModelAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The domains, active ones by id, then inactive ones by name.</summary>
    /// <param name="filter">Which ones.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<IReadOnlyList<Domain>> ListDomainsAsync(
        DomainListFilter filter = DomainListFilter.None, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<DomainIdentity> found = await Driver.ListDomainsAsync(filter, cancellationToken).ConfigureAwait(false);
        return [.. found.Select(identity => new Domain(this, identity))];
    }

    /// <summary>The active domain with that id.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: there is none.</exception>
    public async ValueTask<Domain> LookupByIdAsync(int id, CancellationToken cancellationToken = default)
    {
        if (id < 0)
        {
            throw LibvirtError.InvalidArgument(
                "id in virDomainLookupByID must be zero or greater", "virDomainLookupByID", "id", ErrorOrigin.Domain);
        }

        return new Domain(this, await Driver.LookupByIdAsync(id, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The domain with that name.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: there is none.</exception>
    public async ValueTask<Domain> LookupByNameAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new Domain(this, await Driver.LookupByNameAsync(name, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The domain with that UUID.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: there is none.</exception>
    public async ValueTask<Domain> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken = default) =>
        new(this, await Driver.LookupByUuidAsync(uuid, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Statistics of all domains in one call. A domain that vanishes meanwhile is left out; a statistic that cannot be
    /// had is left out of its record.
    /// </summary>
    /// <param name="groups">Which groups of fields.</param>
    /// <param name="flags">Which domains, and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.ArgumentUnsupported"/>: a group is not supported and <see cref="DomainStatsFlags.EnforceStats"/> was given.
    /// <see cref="ErrorCode.InvalidArgument"/>: an unknown flag.
    /// </exception>
    public ValueTask<IReadOnlyList<DomainStatsRecord>> GetAllDomainStatsAsync(
        DomainStatsGroups groups = DomainStatsGroups.All, DomainStatsFlags flags = DomainStatsFlags.None,
        CancellationToken cancellationToken = default) =>
        GetStatsAsync(null, groups, flags, cancellationToken);

    /// <summary>Statistics of the given domains in one call, in their order; otherwise as <see cref="GetAllDomainStatsAsync"/>.</summary>
    /// <param name="domains">The domains; of this connection.</param>
    /// <param name="groups">Which groups of fields.</param>
    /// <param name="flags">Which of the domains, and how.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<IReadOnlyList<DomainStatsRecord>> GetDomainStatsAsync(
        IEnumerable<Domain> domains, DomainStatsGroups groups = DomainStatsGroups.All, DomainStatsFlags flags = DomainStatsFlags.None,
        CancellationToken cancellationToken = default)
    {
        return GetStatsAsync(Identities(domains), groups, flags, cancellationToken);
    }

    /// <summary>
    /// One sample of each active domain, in one call. Each domain's trouble is its own: what keeps it from being asked is the
    /// reason in its sample. One that is gone meanwhile, or does not run any more, is left out. Through ballastd and for
    /// QEMUs of this host it takes no longer than half a second above a monitor's deadline, however many are silent.
    /// </summary>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Forgets the call; queries that other callers share go on.</param>
    /// <exception cref="LibvirtException">The domains cannot be listed.</exception>
    public async ValueTask<IReadOnlyList<DomainMemorySample>> GetAllMemoryStatsAsync(
        MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        ToSamples(await SampleAsync(null, options, cancellationToken).ConfigureAwait(false));

    /// <summary>One sample of each of the given domains, in their order; otherwise as <see cref="GetAllMemoryStatsAsync"/>.</summary>
    /// <param name="domains">The domains; of this connection, each once.</param>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Forgets the call; queries that other callers share go on.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async ValueTask<IReadOnlyList<DomainMemorySample>> GetMemoryStatsAsync(
        IEnumerable<Domain> domains, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default)
    {
        List<DomainIdentity> identities = Identities(domains);
        return identities.Count == 0 ? [] : ToSamples(await SampleAsync(identities, options, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Subscribes to what happens to domains. When this returns, the registration stands: all that happens from then on is
    /// yielded. A QEMU of this host that comes is noticed within about a second, one that goes at once where it has a
    /// monitor that may be used.
    /// </summary>
    /// <param name="filter">Which events; null: all.</param>
    /// <param name="cancellationToken">Gives up subscribing; an existing subscription is ended by disposing it.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoSupport"/>: the driver has no events.</exception>
    /// <example>
    /// <code>
    /// await using DomainEventSubscription events = await connection.SubscribeAsync();
    /// await foreach (DomainEvent happened in events)
    ///     Console.WriteLine(happened);
    /// </code>
    /// </example>
    public async ValueTask<DomainEventSubscription> SubscribeAsync(
        DomainEventFilter? filter = null, CancellationToken cancellationToken = default)
    {
        filter ??= DomainEventFilter.All;
        ArgumentOutOfRangeException.ThrowIfLessThan(filter.Capacity, 1, nameof(filter));
        if (filter.Domain is { } domain && domain.Connection != this)
            throw new ArgumentException($"Domain {domain.Name} belongs to another connection.", nameof(filter));

        DomainEventSubscription subscription = new(this, filter);
        await subscription.RegisterAsync(Driver, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_disposing)
            {
                _subscriptions.Add(subscription);
                return subscription;
            }
        }

        // Closed meanwhile: nobody else would end it.
        await subscription.DisposeAsync().ConfigureAwait(false);
        throw new ObjectDisposedException(nameof(Connection));
    }

    /// <summary>
    /// Samples all domains, at once and then in each period, until it is cancelled: those that come later too, those that
    /// went no more. A domain that does not answer holds up no other one; it is not asked again before it answered, its
    /// deadline passed and the reader took that sample, so that nothing piles up.
    /// </summary>
    /// <param name="period">From round to round; above zero.</param>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LibvirtException">The domains can no longer be listed.</exception>
    public IAsyncEnumerable<DomainMemorySample> WatchMemoryStatsAsync(
        TimeSpan period, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        return MemoryWatch.RunAsync(this, period, options, spread: TimeSpan.Zero, cancellationToken);
    }

    /// <summary>
    /// Closes the connection: subscriptions end, ensured collection periods are given back. Calls under way on other
    /// threads may fail.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        DomainEventSubscription[] subscriptions;
        lock (_gate)
        {
            if (_disposed || _disposing)
                return;
            _disposing = true;
            _ = _closed.TrySetResult(null);
            subscriptions = [.. _subscriptions];
        }

        IDriver driver = Driver;
        try
        {
            await _ensured.DisposeAsync().ConfigureAwait(false);
            foreach (DomainEventSubscription subscription in subscriptions)
                await subscription.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            // Whatever went wrong: nobody else closes it.
            _disposed = true;
            if (_ownsDriver)
                await driver.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The QEMUs behind several monitor sockets and directories, be they there yet or not.</summary>
    internal static Connection OpenMonitors(IReadOnlyList<string> paths, IReadOnlyList<string> ownSockets, ConnectionOptions options) =>
        new(DriverSelection.OpenMonitors(paths, ownSockets, options), "qmp:///", options);

    /// <summary>Whose QEMUs are asked from now on: trusted users and managed directories; nothing else of the options counts.</summary>
    internal void Retrust(ConnectionOptions options) => DriverSelection.Retrust(Driver, options);

    /// <summary>Another connection over the same driver, which stays open when that one is closed: for one client of a server.</summary>
    internal Connection Share(bool readOnly) => new(this, Options with { ReadOnly = readOnly || Options.ReadOnly });

    internal void Forget(DomainEventSubscription subscription)
    {
        lock (_gate)
            _subscriptions.Remove(subscription);
    }

    private async Task TellLossAsync(Task<LibvirtException> lost) => _ = _closed.TrySetResult(await lost.ConfigureAwait(false));

    private List<DomainIdentity> Identities(IEnumerable<Domain> domains)
    {
        ArgumentNullException.ThrowIfNull(domains);
        List<DomainIdentity> identities = [];
        foreach (Domain domain in domains)
        {
            ArgumentNullException.ThrowIfNull(domain, nameof(domains));
            if (domain.Connection != this)
                throw new ArgumentException($"Domain {domain.Name} belongs to another connection.", nameof(domains));
            identities.Add(domain.Identity);
        }

        return identities;
    }

    private async ValueTask<IReadOnlyList<DriverSample>> SampleAsync(
        List<DomainIdentity>? identities, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        await Driver.TrySampleMemoryAsync(identities, options, cancellationToken).ConfigureAwait(false)
            ?? await MemorySampling.AskAllAsync(
                Driver,
                identities ?? await Driver.ListDomainsAsync(DomainListFilter.Active, cancellationToken).ConfigureAwait(false),
                options, Options.TimeProvider, cancellationToken).ConfigureAwait(false);

    private DomainMemorySample[] ToSamples(IReadOnlyList<DriverSample> samples) =>
        [.. samples.Select(sample => new DomainMemorySample(new Domain(this, sample.Domain), sample.Stats))];

    private async ValueTask<IReadOnlyList<DomainStatsRecord>> GetStatsAsync(
        IReadOnlyList<DomainIdentity>? identities, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        IReadOnlyList<DriverStatsRecord> records =
            await Driver.GetDomainStatsAsync(identities, groups, flags, cancellationToken).ConfigureAwait(false);
        return [.. records.Select(record => new DomainStatsRecord(new Domain(this, record.Domain), record.Parameters))];
    }
}
