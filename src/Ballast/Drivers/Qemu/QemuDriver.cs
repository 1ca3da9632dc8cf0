using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Events;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu;

/// <summary>Local QEMUs, through their monitors and the host's /proc; all domains are transient.</summary>
internal sealed partial class QemuDriver : IDriver
{
    private readonly QemuInventory _inventory;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly bool _mayChange;
    private readonly bool _allowsSynchronousContinuations;
    private readonly QemuEvents _events;
    private readonly ConnectionLog _log;
    private HostScope? _host;
    private int _disposed;

    private QemuDriver(IReadOnlyList<IQemuScope> scopes, TimeSpan timeout, ConnectionOptions options)
    {
        _timeout = timeout;
        _time = options.TimeProvider;
        _log = ConnectionLog.Of(options);
        _inventory = new QemuInventory(scopes, _time, _log);
        _mayChange = !options.ReadOnly;
        _allowsSynchronousContinuations = options.UnsafePreferInlineContinuations;
        _events = new QemuEvents(_inventory, timeout, _time, _log);
    }

    public string Type => "QEMU";

    public bool IsSilent(DomainIdentity domain) => _inventory.IsSilent(domain, _timeout);

    /// <summary>The monitor of a connection that has one, for tests that count what is sent to it.</summary>
    internal QmpMonitor Monitor => _inventory.OnlyMonitor;

    public static async ValueTask<QemuDriver> OpenAsync(
        ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken)
    {
        uri.RefuseUnknown(ErrorOrigin.Qemu, known: ["timeout"]);
        TimeSpan timeout = uri.Timeout(ErrorOrigin.Qemu) ?? UriParameters.Bounded(options.Timeout);
        if (uri.Path is "" or "/")
        {
            HostScope host = new(new QemuTrust(options.TrustedUserIds), MonitorManagers.Of(options));
            return new QemuDriver([host], timeout, options) { _host = host };
        }

        if (uri.Path[0] != '/')
        {
            throw LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None,
                $"{uri.Original}: name the monitor's socket, qmp:///ABSOLUTE/PATH");
        }

        ConnectionLog log = ConnectionLog.Of(options);
        bool isDirectory = await SingleLook.RunAsync(
            () => DirectoryScope.IsAt(uri.Path), uri.Path, failure => log.LookFailed(QmpErrors.CannotLook(failure)), cancellationToken).ConfigureAwait(false);
        if (isDirectory)
            return new QemuDriver([new DirectoryScope(uri.Path, [])], timeout, options);

        SocketScope scope = new(uri.Path);
        QemuDriver named = new([scope], timeout, options);
        try
        {
            return await named._inventory.ConnectNamedAsync(scope, timeout, cancellationToken).ConfigureAwait(false) is { } error
                ? throw error
                : named;
        }
        catch
        {
            await named.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <param name="paths">Sockets and directories of them, be they there yet or not.</param>
    /// <param name="ownSockets">The sockets that this program itself listens on, which may lie among them.</param>
    /// <param name="options">How to ask.</param>
    public static QemuDriver OpenMonitors(IReadOnlyList<string> paths, IReadOnlyList<string> ownSockets, ConnectionOptions options) =>
        new([.. paths.Select(path => new PathScope(path, ownSockets))],
            UriParameters.Bounded(options.Timeout), options);

    /// <summary>What the last look at the host could not see; null where it saw all.</summary>
    public string? LookTrouble => _inventory.LookError?.Message;

    /// <summary>Whose QEMUs are asked from now on, where all of the host are.</summary>
    public void Retrust(ConnectionOptions options)
    {
        if (_host is null)
            return;
        _host.Retrust(new QemuTrust(options.TrustedUserIds), MonitorManagers.Of(options));
        _inventory.Reconsider();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _events.DisposeAsync().ConfigureAwait(false);
        await _inventory.DisposeAsync().ConfigureAwait(false);
    }

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        _events.SubscribeAsync(sink, cancellationToken);

    /// <summary>The version of a QEMU that answers; 0 where none does.</summary>
    public async ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain> all = await _inventory.RefreshAsync(connects: true, _timeout, cancellationToken).ConfigureAwait(false);
        return all.FirstOrDefault(qemu => qemu.MonitorOrNull is { IsConnected: true })?.Monitor.Hello?.Version ?? 0;
    }

    public async ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(
        DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "qemuConnectListAllDomains", ErrorOrigin.Qemu);
        IReadOnlyList<QemuDomain> found = await FilterAsync(
            await _inventory.RefreshAsync(connects: false, _timeout, cancellationToken).ConfigureAwait(false), filter, cancellationToken, cancellationToken)
            .ConfigureAwait(false);
        return [.. found.Select(qemu => qemu.Identity)];
    }

    public async ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        await LookupAsync(identity => id > 0 && identity.Id == id, cancellationToken).ConfigureAwait(false)
            ?? throw NoDomain($"no domain with matching id {id}");

    public async ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        await LookupAsync(identity => identity.Name == name, cancellationToken).ConfigureAwait(false)
            ?? throw NoDomain($"no domain with matching name '{name}'");

    public async ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        await LookupAsync(identity => identity.Uuid == uuid, cancellationToken).ConfigureAwait(false)
            ?? throw NoDomain($"no domain with matching uuid '{uuid}'");

    private async ValueTask<T> FactAsync<T>(DomainIdentity identity, T value, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(identity, cancellationToken).ConfigureAwait(false);
        return value;
    }

    private async ValueTask<DomainIdentity?> LookupAsync(Func<DomainIdentity, bool> isWanted, CancellationToken cancellationToken) =>
        (await _inventory.LookupAsync(isWanted, _timeout, cancellationToken).ConfigureAwait(false))?.Identity;

    /// <summary>
    /// Those that pass a filter; their states are asked for, side by side, only where it is about states. Who is silent has none.
    /// </summary>
    private async ValueTask<IReadOnlyList<QemuDomain>> FilterAsync(
        IReadOnlyList<QemuDomain> all, DomainListFilter filter, CancellationToken late, CancellationToken cancellationToken)
    {
        const DomainListFilter byState =
            DomainListFilter.Running | DomainListFilter.Paused | DomainListFilter.Shutoff | DomainListFilter.Other;
        if (filter == DomainListFilter.None)
            return all;
        DomainStateInfo[] states = (filter & byState) == 0
            ? new DomainStateInfo[all.Count]
            : await GuestByGuest.AskAsync(all, qemu => StateOrNoneAsync(qemu, late, cancellationToken), NothingAsync<DomainStateInfo>).ConfigureAwait(false);
        return [.. all.Where((_, i) => DomainRules.Matches(
            filter, new DomainTraits(states[i].State, IsPersistent: false, HasManagedSave: false, IsAutostart: false)))];
    }

    private async Task<DomainStateInfo> StateOrNoneAsync(QemuDomain qemu, CancellationToken late, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadyForBulkAsync(qemu, late).ConfigureAwait(false) is { } ready
                ? await AskStateAsync(ready, late).ConfigureAwait(false)
                : default;
        }
        catch (Exception e) when (e is LibvirtException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return default;
        }
    }

    /// <summary>The QEMU that a handle leads to; asks nobody as long as the connection stands.</summary>
    private ValueTask<QemuDomain> ResolveAsync(DomainIdentity identity, CancellationToken cancellationToken) =>
        _inventory.Find(identity) is { } qemu ? new(qemu) : ResolveAfterLookAsync(identity, cancellationToken);

    private async ValueTask<QemuDomain> ResolveAfterLookAsync(DomainIdentity identity, CancellationToken cancellationToken) =>
        await _inventory.ResolveAsync(identity, waitsForSilent: true, _timeout, cancellationToken).ConfigureAwait(false)
            ?? throw LibvirtError.NoDomain(ErrorOrigin.Qemu, identity);

    private static LibvirtException NoDomain(string detail) => LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Qemu, detail);
}
