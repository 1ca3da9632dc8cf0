namespace Ballast.Drivers;

/// <summary>
/// What a hypervisor driver can do. <see cref="Connection"/> and <see cref="Domain"/> use drivers through this interface
/// only. A function that a driver does not implement fails with libvirt's "not supported"; docs/decisions.md says why
/// the functions are not split into interfaces.
/// </summary>
/// <remarks>
/// <see cref="Connection"/> and <see cref="Domain"/> check the arguments, as far as all drivers agree on them, and refuse
/// changes on read-only connections. A function may throw before it returns its task, except
/// <see cref="GetMemoryStatsAsync"/>, whose task is returned to the caller as it is.
/// </remarks>
internal partial interface IDriver : IAsyncDisposable
{
    /// <summary>libvirt's name of the driver: <c>QEMU</c>, <c>TEST</c>.</summary>
    string Type { get; }

    /// <summary>Whether calls can still be answered.</summary>
    bool IsAlive => true;

    /// <summary>Completes with the error when the connection to a daemon is lost for good; null without a daemon.</summary>
    Task<LibvirtException>? Lost => null;

    /// <summary>The connection to the daemon that calls use now; null without a daemon.</summary>
    object? Link => null;

    /// <summary>Whether a call may have failed because its connection to the daemon was lost, so that it can succeed on the next one.</summary>
    /// <param name="link">What <see cref="Link"/> was before the call.</param>
    /// <param name="error">The failure. A refusal by the daemon is never a reason to retry.</param>
    bool MayRetry(object? link, LibvirtException error) => false;

    /// <summary>Whether a domain's hypervisor left the last query unanswered; sends nothing.</summary>
    bool IsSilent(DomainIdentity domain) => false;

    /// <summary>The version of libvirt that the daemon has, or that this library is compatible with.</summary>
    ValueTask<ulong> GetLibraryVersionAsync(CancellationToken cancellationToken) => new(LibvirtVersion.Compatible);

    /// <summary>The version of ballastd; null if the connection is not to ballastd, or to one that does not say.</summary>
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

    /// <summary>
    /// Subscribes a sink to events, of one domain if one is given; a driver may deliver others too. The sink gets
    /// everything that happens after this returns, until the result is disposed.
    /// </summary>
    ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectDomainEventRegisterAny");
}
