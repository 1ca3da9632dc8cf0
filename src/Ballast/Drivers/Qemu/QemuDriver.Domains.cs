using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    public async ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(
            domain, qemu, MonitorParts.Status | MonitorParts.Cpus | qemu.SizeParts, cancellationToken).ConfigureAwait(false);
        // A size that nobody knows is an error: zero would be a lie.
        ulong maximum = qemu.MaxMemoryKiB ?? (await qemu.QueryAsync(
            qemu.SizeParts, _timeout, cancellationToken).ConfigureAwait(false)).MaximumBytes / 1024;
        return new DomainInfo(
            values.StateOrNone.State, maximum, qemu.CurrentKiB ?? maximum, qemu.VirtualCpus, CpuTime(qemu) ?? TimeSpan.Zero);
    }

    public async ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await AskStateAsync(
            await ResolveAsync(domain, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    public ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, "hvm", cancellationToken);

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<bool> IsUpdatedAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, false, cancellationToken);

    public ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, new SecurityLabel("", IsEnforcing: false), cancellationToken);

    public async ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainRules.CheckMetadata(type, impact, "virDomainObjGetMetadata", ErrorOrigin.Domain);
        if ((impact & DomainModificationImpact.Config) != 0)
            throw NoDefinition();
        throw DomainRules.NoMetadata();
    }

    public ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, default(DomainJobInfo), cancellationToken);

    public ValueTask<DomainJobStats> GetJobStatsAsync(DomainIdentity domain, uint flags, CancellationToken cancellationToken) =>
        FactAsync(domain, new DomainJobStats(DomainJobType.None, []), cancellationToken);

    /// <summary>No jobs of libvirt's kind run here: the way is free, unless the monitor cannot be used or does not answer.</summary>
    public async ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        const uint monitorFailure = 2;
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(domain, qemu, MonitorParts.Status, cancellationToken).ConfigureAwait(false);
        return values.Has(MonitorParts.Status) ? default : new DomainControlInfo(DomainControlState.Error, monitorFailure, 0);
    }

    public async ValueTask<IReadOnlyList<string>> GetMessagesAsync(
        DomainIdentity domain, DomainMessageKinds kinds, CancellationToken cancellationToken) =>
        await FactAsync<IReadOnlyList<string>>(domain, [], cancellationToken).ConfigureAwait(false);

    private async ValueTask<DomainStateInfo> AskStateAsync(QemuDomain qemu, CancellationToken cancellationToken) =>
        (await AskAsync(qemu.Identity, qemu, MonitorParts.Status, cancellationToken).ConfigureAwait(false)).StateOrNone;

    /// <summary>Asks; where the monitor cannot be used, nothing is answered, which callers show as "no state".</summary>
    private async ValueTask<MonitorValues> AskAsync(
        DomainIdentity domain, QemuDomain qemu, MonitorParts parts, CancellationToken cancellationToken)
    {
        try
        {
            MonitorValues values = await qemu.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
            qemu.Learn(values, _time);
            return values;
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
        catch (LibvirtException)
        {
            return default;
        }
    }
}
