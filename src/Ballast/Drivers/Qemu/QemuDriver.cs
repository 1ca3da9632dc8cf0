using System.Globalization;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>Local QEMUs, through their monitors and the host's /proc; all domains are transient.</summary>
internal sealed partial class QemuDriver : IDriver
{
    // Longer than anybody waits, and short enough for every timer.
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromDays(1);

    private readonly MonitoredQemu _qemu;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private int _disposed;

    private QemuDriver(MonitoredQemu qemu, TimeSpan timeout, TimeProvider time)
    {
        _qemu = qemu;
        _timeout = timeout;
        _time = time;
    }

    public string Type => "QEMU";

    /// <summary>The monitor, for tests that count what is sent to it.</summary>
    internal QmpMonitor Monitor => _qemu.Monitor;

    public static async ValueTask<QemuDriver> OpenAsync(
        ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken)
    {
        TimeSpan timeout = ReadTimeout(uri) ?? (options.Timeout < MaxTimeout ? options.Timeout : MaxTimeout);
        if (uri.Path is "" or "/" || uri.Path[0] != '/')
        {
            throw LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None,
                $"{uri.Original}: name the monitor's socket, qmp:///ABSOLUTE/PATH");
        }

        if (Directory.Exists(uri.Path))
        {
            throw LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None,
                $"{uri.Original}: '{uri.Path}' is a directory, name one monitor's socket in it");
        }

        QemuDriver driver = new(MonitoredQemu.Acquire(uri.Path, options.TimeProvider), timeout, options.TimeProvider);
        try
        {
            if (await driver._qemu.RefreshAsync(timeout, cancellationToken).ConfigureAwait(false) is null)
                throw QmpErrors.Lost(uri.Path, null);
            return driver;
        }
        catch
        {
            await driver.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask DisposeAsync() => Interlocked.Exchange(ref _disposed, 1) == 0 ? _qemu.ReleaseAsync() : default;

    public async ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken)
    {
        await _qemu.Monitor.EnsureConnectedAsync(_timeout, cancellationToken).ConfigureAwait(false);
        return _qemu.Monitor.Hello!.Version;
    }

    public async ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(
        DomainListFilter filter, CancellationToken cancellationToken)
    {
        DomainRules.CheckFilter(filter, "qemuConnectListAllDomains", ErrorOrigin.Qemu);
        if (await RefreshAsync(cancellationToken).ConfigureAwait(false) is not { } domain)
            return [];
        return await MatchesAsync(domain, filter, cancellationToken).ConfigureAwait(false) ? [domain.Identity] : [];
    }

    public async ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false) is { Identity: var identity } && identity.Id == id
            ? identity
            : throw NoDomain($"no domain with matching id {id}");

    public async ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false) is { Identity: var identity } && identity.Name == name
            ? identity
            : throw NoDomain($"no domain with matching name '{name}'");

    public async ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false) is { Identity: var identity } && identity.Uuid == uuid
            ? identity
            : throw NoDomain($"no domain with matching uuid '{uuid}'");

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, "hvm", cancellationToken);

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken) => new(new SecurityModel("none", "0"));

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, new SecurityLabel("", IsEnforcing: false), cancellationToken);

    private async ValueTask<T> FactAsync<T>(DomainIdentity identity, T value, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(identity, cancellationToken).ConfigureAwait(false);
        return value;
    }

    private async ValueTask<QemuDomain?> RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            QemuDomain? domain = await _qemu.RefreshAsync(_timeout, cancellationToken).ConfigureAwait(false);
            return domain is { HasExited: false } ? domain : null;
        }
        catch (LibvirtException) when (_qemu.Domain is null or { HasExited: true })
        {
            return null;
        }
    }

    private async ValueTask<bool> MatchesAsync(QemuDomain domain, DomainListFilter filter, CancellationToken cancellationToken)
    {
        const DomainListFilter byState =
            DomainListFilter.Running | DomainListFilter.Paused | DomainListFilter.Shutoff | DomainListFilter.Other;
        DomainStateInfo state = QemuStates.Unusable;
        try
        {
            if ((filter & byState) != 0)
                state = await AskStateAsync(domain, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException) when (domain.HasExited)
        {
            return false;
        }
        catch (LibvirtException)
        {
            // Listed all the same, in no state.
        }

        return DomainRules.Matches(filter, new DomainTraits(state.State, IsPersistent: false, HasManagedSave: false, IsAutostart: false));
    }

    /// <summary>The QEMU that a handle names; asks nobody as long as the connection stands.</summary>
    private ValueTask<QemuDomain> ResolveAsync(DomainIdentity identity, CancellationToken cancellationToken) =>
        _qemu.IsCurrent && _qemu.Domain is { } domain && domain.Identity.Uuid == identity.Uuid
            ? new(domain)
            : ResolveAnewAsync(identity, cancellationToken);

    private async ValueTask<QemuDomain> ResolveAnewAsync(DomainIdentity identity, CancellationToken cancellationToken) =>
        await RefreshAsync(cancellationToken).ConfigureAwait(false) is { } domain && domain.Identity.Uuid == identity.Uuid
            ? domain
            : throw LibvirtError.NoDomain(ErrorOrigin.Qemu, identity);

    private static LibvirtException NoDomain(string detail) => LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Qemu, detail);

    private static TimeSpan? ReadTimeout(ConnectUri uri)
    {
        foreach ((string name, _) in uri.Parameters)
        {
            if (!name.Equals("timeout", StringComparison.OrdinalIgnoreCase))
                throw BadParameter($"unknown parameter '{name}' in {uri.Original}; known is timeout");
        }

        if (uri.Parameter("timeout") is not { } text)
            return null;
        (string digits, double unit) =
            text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 0.001)
            : text.EndsWith('s') ? (text[..^1], 1)
            : (text, 1);
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
            && number * unit >= 0.001 && number * unit <= MaxTimeout.TotalSeconds
            ? TimeSpan.FromSeconds(number * unit)
            : throw BadParameter($"timeout '{text}' in {uri.Original} is not a duration such as 2s or 500ms");
    }

    private static LibvirtException BadParameter(string detail) =>
        LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, detail);
}
