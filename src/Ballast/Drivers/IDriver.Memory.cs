namespace Ballast.Drivers;

/// <summary>Memory: the guests', the host's, and the balloon.</summary>
internal partial interface IDriver
{
    /// <summary>Fills <paramref name="stats"/> in libvirt's order and returns how many entries it filled; never more than fit.</summary>
    ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        ValueTask.FromException<int>(LibvirtError.NoSupport("virDomainMemoryStats"));

    /// <summary>The same with age, freshness and reasons. If the monitor cannot be asked, the sample says why; it is not an error.</summary>
    ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainMemoryStats");

    /// <summary>The same after making the guest report now; the collection period does not change.</summary>
    ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("ballastDomainRefreshMemoryStats");

    /// <summary>
    /// Samples of <paramref name="domains"/>, or of all active ones if it is null, in one call, by the rule of
    /// <see cref="MemorySampling"/>; null if the driver can only take them one by one.
    /// </summary>
    ValueTask<IReadOnlyList<DriverSample>?> TrySampleMemoryAsync(
        IReadOnlyList<DomainIdentity>? domains, MemoryStatsOptions options, CancellationToken cancellationToken) => new((IReadOnlyList<DriverSample>?)null);

    /// <summary>
    /// Samples of all domains that the daemon takes in rounds and sends; null if it does not, so that the caller takes the
    /// rounds itself. If the sequence ends without an error, the caller takes over from there.
    /// </summary>
    ValueTask<IAsyncEnumerable<DriverSample>?> TryWatchMemoryAsync(
        TimeSpan period, MemoryStatsOptions options, CancellationToken cancellationToken) => new((IAsyncEnumerable<DriverSample>?)null);

    /// <summary>The collection period in seconds; 0 if collection is off.</summary>
    ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMemoryStatsPeriod");

    ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMemoryStatsPeriod");

    ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMemoryFlags");

    ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMaxMemory");

    ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMemoryParameters");

    ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetNumaParameters");

    ValueTask StartDirtyRateAsync(DomainIdentity domain, int seconds, DirtyRateMode mode, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainStartDirtyRateCalc");

    /// <summary>The host's memory, and that of a control group if one is named.</summary>
    ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("ballastGetHostMemory");

    /// <summary>What the host knows about the memory of each domain's process, without the domains that are gone.</summary>
    ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
        IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken) =>
        new([.. domains.Select(domain => new DriverProcessMemory(domain, new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }))]);
}

/// <summary>One domain's sample, as a driver gives it.</summary>
internal readonly record struct DriverSample(DomainIdentity Domain, MemoryStats Stats);

/// <summary>What the host knows about the memory of one domain's process, as a driver gives it.</summary>
internal readonly record struct DriverProcessMemory(DomainIdentity Domain, ProcessMemory Memory);
