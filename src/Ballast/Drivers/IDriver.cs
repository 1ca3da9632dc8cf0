namespace Ballast.Drivers;

/// <summary>
/// What a hypervisor driver can do; everything above stands on this seam alone. A function that a driver does not
/// override answers "not supported", as libvirt's does.
/// </summary>
/// <remarks>
/// Arguments were checked by <see cref="Connection"/> and <see cref="Domain"/> as far as every driver agrees on them;
/// read-only connections never get to functions that change something. A function may throw before it returns its
/// task, except <see cref="GetMemoryStatsAsync"/>, which is handed through as it is.
/// </remarks>
internal partial interface IDriver : IAsyncDisposable
{
    /// <summary>libvirt's name of the driver: <c>QEMU</c>, <c>TEST</c>.</summary>
    string Type { get; }

    /// <summary>Whether calls can still be answered.</summary>
    bool IsAlive => true;

    /// <summary>Ends with the reason when the connection to a daemon is lost for good; null where there is nothing to lose.</summary>
    Task<LibvirtException>? Lost => null;

    /// <summary>The connection to a daemon that calls take now; null where there is none.</summary>
    object? Link => null;

    /// <summary>Whether what failed may do so because that connection is lost, and another one is opened when the daemon can be reached.</summary>
    /// <param name="link">What <see cref="Link"/> was before.</param>
    /// <param name="error">The failure. What a daemon refuses is none of these.</param>
    bool MayRetry(object? link, LibvirtException error) => false;

    /// <summary>Whether a domain's hypervisor left the last question unanswered; asks nobody.</summary>
    bool IsSilent(DomainIdentity domain) => false;

    /// <summary>The version of libvirt that the other side is.</summary>
    ValueTask<ulong> GetLibraryVersionAsync(CancellationToken cancellationToken) => new(LibvirtVersion.Compatible);

    /// <summary>The version of the daemon of ours that is asked; null where none is, or nobody can tell.</summary>
    ValueTask<string?> GetDaemonVersionAsync(CancellationToken cancellationToken) => new((string?)null);

    /// <summary>The hypervisor's version: major × 1,000,000 + minor × 1,000 + micro.</summary>
    ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) => throw LibvirtError.NoSupport("virConnectGetVersion");

    ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectListAllDomains");

    ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainLookupByID");

    ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainLookupByName");

    ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainLookupByUUID");

    ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetInfo");

    ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetState");

    ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetOSType");

    ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainIsPersistent");

    ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetAutostart");

    ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainHasManagedSaveImage");

    ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virNodeGetSecurityModel");

    ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSecurityLabel");

    /// <summary>Fills <paramref name="stats"/> in libvirt's order and returns how many entries it filled; never more than fit.</summary>
    ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        ValueTask.FromException<int>(LibvirtError.NoSupport("virDomainMemoryStats"));

    /// <summary>The same with its circumstances. What keeps a driver from asking the guest is in the sample, not an error.</summary>
    ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainMemoryStats");

    /// <summary>The same after making the guest report at once; the collection period is as it was afterwards.</summary>
    ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("ballastDomainRefreshMemoryStats");

    /// <summary>The collection period in seconds; 0 where collection is off.</summary>
    ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMemoryStatsPeriod");

    ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMemoryStatsPeriod");

    ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMemoryFlags");

    /// <summary>Statistics of <paramref name="domains"/>, or of all domains where it is null.</summary>
    ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetAllDomainStats");

    /// <summary>
    /// Samples of <paramref name="domains"/>, or of all active ones where it is null, in one question by the rule of
    /// <see cref="MemorySampling"/>; null where the driver has no better way than one by one.
    /// </summary>
    ValueTask<IReadOnlyList<DriverSample>?> TrySampleMemoryAsync(
        IReadOnlyList<DomainIdentity>? domains, MemoryStatsOptions options, CancellationToken cancellationToken) => new((IReadOnlyList<DriverSample>?)null);

    /// <summary>
    /// Samples of all domains that the other side takes in rounds and sends; null where it does not, so that they are asked
    /// for from here. An end without an error means the same from then on.
    /// </summary>
    ValueTask<IAsyncEnumerable<DriverSample>?> TryWatchMemoryAsync(
        TimeSpan period, MemoryStatsOptions options, CancellationToken cancellationToken) => new((IAsyncEnumerable<DriverSample>?)null);

    /// <summary>
    /// Registers a sink for events, of one domain where one is given; a driver may deliver more than was asked for. What
    /// happens after this returned is delivered; disposing the result ends it.
    /// </summary>
    ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectDomainEventRegisterAny");
}

/// <summary>One record of bulk statistics, as a driver gives it.</summary>
internal readonly record struct DriverStatsRecord(DomainIdentity Domain, IReadOnlyList<TypedParameter> Parameters);

/// <summary>One sample of a watch, as a driver gives it.</summary>
internal readonly record struct DriverSample(DomainIdentity Domain, MemoryStats Stats);
