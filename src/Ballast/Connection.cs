using Ballast.Drivers;
using Ballast.Telemetry;

namespace Ballast;

/// <summary>A connection to a hypervisor, in process or through a daemon. It is thread-safe.</summary>
/// <remarks>
/// Every call that waits for a monitor or a daemon has a deadline: <see cref="ConnectionOptions.Timeout"/> or
/// <see cref="ConnectionOptions.DaemonTimeout"/>. Any call can throw a <see cref="LibvirtException"/> with
/// <see cref="ErrorCode.OperationTimeout"/> (no answer in time), <see cref="ErrorCode.SystemError"/> (the connection to the daemon or
/// monitor was lost) or <see cref="ErrorCode.NoSupport"/> (the driver or daemon does not have the function). Methods document the other
/// errors.
/// </remarks>
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
    }

    private Connection(Connection owner, ConnectionOptions options)
        : this(owner.Driver, owner.Uri, options) => _ownsDriver = false;

    // Most connections ensure no period, and a program may hold thousands.
    internal PeriodLeases PeriodLeases => LazyInitializer.EnsureInitialized(ref field, () => new PeriodLeases(this));

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

    /// <summary>Whether the connection refuses calls that change something.</summary>
    public bool IsReadOnly => Options.ReadOnly;

    /// <summary>Whether a daemon is at the other end. False in process (<c>qmp:</c>, <c>test:</c>).</summary>
    public bool IsRemote => ConnectUri.TryParse(Uri, out ConnectUri? uri)
        && !(uri.Driver is "test" or "qmp" && uri.Transport is null && uri.Host.Length == 0);

    /// <summary>False if the connection to a daemon was lost and will not be reopened. Always true in process.</summary>
    public bool IsAlive => Driver.IsAlive;

    /// <summary>
    /// Completes when the connection can no longer be used: with null after disposal, or with the reason if the connection
    /// to a daemon was lost and will not be reopened (<see cref="ConnectionOptions.Reconnect"/>). It never fails.
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
    /// <c>qmp:///</c>: every QEMU of this host that this user may use. <c>qmp:///ABSOLUTE/PATH[?timeout=2s]</c>: the QEMU
    /// with that monitor socket, or those of a directory; naming a socket allows Ballast to use it, even if a manager owns
    /// it. <c>qemu:///system</c>, <c>qemu:///session</c>, <c>qemu+unix:///system?socket=PATH[&amp;timeout=30s]</c>: through a
    /// daemon of this host, ballastd or libvirt's. <c>qemu+ssh://[USER@]HOST/system</c>, <c>qemu+tls://HOST/system</c>,
    /// <c>qemu+tcp://HOST/system</c>: through a daemon of another host. <c>test:///default</c>, <c>test:///FILE</c>: libvirt's
    /// test driver. <c>test:///fleet[?domains=N&amp;seed=S]</c>: simulated guests. Names from
    /// libvirt.conf's <c>uri_aliases</c> work too. Null or empty: the environment variable <c>LIBVIRT_DEFAULT_URI</c>, else
    /// libvirt.conf's <c>uri_default</c>, else a daemon that listens, else every QEMU of this host.
    /// </param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="ArgumentOutOfRangeException">A timeout in the options is not above zero.</exception>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoConnect"/>: no driver supports the URI. <see cref="ErrorCode.SystemError"/>: connecting to
    /// the socket failed. <see cref="ErrorCode.ResourceBusy"/>: another program holds the monitor.
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

    /// <summary>
    /// The hypervisor's version. For the QEMUs of this host it is that of the first one whose monitor answers, or 0.0.0 if none does.
    /// Source: the hypervisor.
    /// </summary>
    public async ValueTask<Version> GetVersionAsync(CancellationToken cancellationToken = default) =>
        LibvirtVersion.FromNumber(await Driver.GetVersionAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>The libvirt version of the daemon, or <see cref="LibraryVersion"/> in process.</summary>
    public async ValueTask<Version> GetLibraryVersionAsync(CancellationToken cancellationToken = default) =>
        LibvirtVersion.FromNumber(await Driver.GetLibraryVersionAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// The version of the ballastd at the other end. Null in process, and if the daemon is libvirt's or a ballastd older than this call.
    /// </summary>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async ValueTask<string?> GetDaemonVersionAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetDaemonVersionAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>The host's security driver.</summary>
    public async ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken = default) =>
        await Driver.GetSecurityModelAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Lists the domains: active ones by id, then inactive ones by name.</summary>
    /// <param name="filter">The domains to list.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<IReadOnlyList<Domain>> ListDomainsAsync(
        DomainListFilter filter = DomainListFilter.None, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<DomainIdentity> found = await Driver.ListDomainsAsync(filter, cancellationToken).ConfigureAwait(false);
        return [.. found.Select(identity => new Domain(this, identity))];
    }

    /// <summary>Finds the active domain with the given id.</summary>
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

    /// <summary>Finds the domain with the given name.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: there is none.</exception>
    public async ValueTask<Domain> LookupByNameAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new Domain(this, await Driver.LookupByNameAsync(name, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Finds the domain with the given UUID.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: there is none.</exception>
    public async ValueTask<Domain> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken = default) =>
        new(this, await Driver.LookupByUuidAsync(uuid, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Returns statistics of all domains in one call. Domains that end in the meantime are left out, and so are statistics
    /// that are not available.
    /// </summary>
    /// <param name="groups">The groups of fields.</param>
    /// <param name="flags">Which domains to include, and how.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.ArgumentUnsupported"/>: a group is not supported and <see cref="DomainStatsFlags.EnforceStats"/> was given.
    /// <see cref="ErrorCode.InvalidArgument"/>: an unknown flag.
    /// </exception>
    public ValueTask<IReadOnlyList<DomainStatsRecord>> GetAllDomainStatsAsync(
        DomainStatsGroups groups = DomainStatsGroups.All, DomainStatsFlags flags = DomainStatsFlags.None,
        CancellationToken cancellationToken = default) =>
        GetStatsAsync(null, groups, flags, cancellationToken);

    /// <summary>
    /// Returns statistics of the given domains in one call, in the same order; otherwise like
    /// <see cref="GetAllDomainStatsAsync"/>.
    /// </summary>
    /// <param name="domains">Domains of this connection.</param>
    /// <param name="groups">The groups of fields.</param>
    /// <param name="flags">Which of the domains to include, and how.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public ValueTask<IReadOnlyList<DomainStatsRecord>> GetDomainStatsAsync(
        IEnumerable<Domain> domains, DomainStatsGroups groups = DomainStatsGroups.All, DomainStatsFlags flags = DomainStatsFlags.None,
        CancellationToken cancellationToken = default)
    {
        return GetStatsAsync(Identities(domains), groups, flags, cancellationToken);
    }

    /// <summary>
    /// Samples every active domain in one call. If a domain cannot be reached, its sample has the reason; the others are
    /// not affected. Domains that end in the meantime are left out. Through ballastd and for QEMUs of this host, the call
    /// takes at most half a second longer than a monitor's deadline, however many QEMUs are silent.
    /// </summary>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Cancels the call. Queries that other callers share continue.</param>
    /// <exception cref="LibvirtException">The domains cannot be listed.</exception>
    public async ValueTask<IReadOnlyList<DomainMemorySample>> GetAllMemoryStatsAsync(
        MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        ToSamples(await SampleAsync(null, options, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Samples the given domains, in the same order; otherwise like <see cref="GetAllMemoryStatsAsync"/>.
    /// </summary>
    /// <param name="domains">Domains of this connection, without duplicates.</param>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Cancels the call. Queries that other callers share continue.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async ValueTask<IReadOnlyList<DomainMemorySample>> GetMemoryStatsAsync(
        IEnumerable<Domain> domains, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default)
    {
        List<DomainIdentity> identities = Identities(domains);
        return identities.Count == 0 ? [] : ToSamples(await SampleAsync(identities, options, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Subscribes to domain events. The subscription yields everything that happens after this call has returned. A new
    /// QEMU of this host is noticed within about a second. The end of a QEMU is noticed at once if Ballast can use its
    /// monitor. If one QEMU of this host has more than 100 events at once, or more than 100 a second for long, repeated ones are
    /// merged into the last of them: order, states and sizes stay true, and other domains' events are not affected.
    /// </summary>
    /// <param name="filter">The events; null for all.</param>
    /// <param name="cancellationToken">Cancels the call. To end a subscription, dispose it.</param>
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
    /// Samples all domains, at once and then in each period, until it is cancelled. Domains that start later are included.
    /// A domain that does not answer does not delay the others. A domain is sampled again only after it has answered or its
    /// deadline has passed, and the reader has taken the previous sample, so samples do not pile up. With
    /// <see cref="ConnectionOptions.Reconnect"/> it outlasts a lost connection: no samples come until the daemon can be reached
    /// again.
    /// </summary>
    /// <param name="period">The time between rounds; above zero.</param>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <exception cref="ArgumentOutOfRangeException">The period is not above zero.</exception>
    /// <exception cref="LibvirtException">The domains can no longer be listed.</exception>
    public IAsyncEnumerable<DomainMemorySample> WatchMemoryStatsAsync(
        TimeSpan period, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        return MemoryWatch.RunAsync(this, period, options, cancellationToken);
    }

    /// <summary>
    /// Closes the connection: ends its subscriptions and gives back its leases on collection periods. Calls in progress on
    /// other threads may fail. Later calls throw <see cref="ObjectDisposedException"/>.
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
            await PeriodLeases.DisposeAsync().ConfigureAwait(false);
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

    /// <summary>Gives back what its callers ensured, as its end does; for a program whose end must not wait for anything else first.</summary>
    internal Task EndPeriodsAsync() => PeriodLeases.DisposeAsync().AsTask();

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
