using System.Runtime.CompilerServices;
using Ballast.Drivers.Host;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Statistics;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    // Pooled: a monitoring program calls this all day, and an awaited call shall leave nothing behind for the collector.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> GetMemoryStatsAsync(
        DomainIdentity domain, Memory<MemoryStat> stats, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values;
        try
        {
            values = await qemu.QueryAsync(
                MonitorParts.Balloon | MonitorParts.GuestStats,
                _timeout, _allowsSynchronousContinuations, cancellationToken).ConfigureAwait(false);
            if (MustLookForBalloon(qemu, values))
                values = await AskAgainAsync(qemu, MonitorParts.Balloon | MonitorParts.GuestStats, values, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }

        return QemuMemoryStats.Fill(stats.Span, values, qemu.Process, options);
    }

    public async ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        try
        {
            MonitorValues values = await qemu.QueryAsync(
                MonitorParts.Balloon | MonitorParts.PollingInterval, _timeout, cancellationToken).ConfigureAwait(false);
            if (!values.Has(MonitorParts.PollingInterval))
            {
                values = await AskAgainAsync(
                    qemu, MonitorParts.Balloon | MonitorParts.PollingInterval, values, cancellationToken).ConfigureAwait(false);
            }

            return values.Has(MonitorParts.PollingInterval)
                ? (int)Math.Min(QmpRefresh.Period(values.PollingIntervalSeconds), int.MaxValue)
                : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Qemu, qemu.Monitor.Balloon is null
                    ? "No memory balloon device configured, so there is no collection period"
                    : $"QEMU does not report the collection period of '{qemu.Identity.Name}'");
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
    }

    public async ValueTask SetMemoryStatsPeriodAsync(
        DomainIdentity domain, int seconds, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveForChangeAsync(
            domain, impact, "qemuDomainSetMemoryStatsPeriod", cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, async () =>
        {
            BalloonDevice balloon = await FindBalloonForChangeAsync(qemu, cancellationToken).ConfigureAwait(false) ?? throw NoBalloon();
            QmpError? error = await qemu.Monitor.ChangeAsync(
                "qom-set", QmpCommands.SetPollingInterval(balloon, seconds), qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
            if (error is { Class: QmpErrorClass.DeviceNotFound })
                qemu.Monitor.ForgetBalloon(balloon);
            if (error is not null)
            {
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu,
                    "unable to set balloon driver collection period");
            }
        }).ConfigureAwait(false);
    }

    public async ValueTask SetMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveForChangeAsync(
            domain, impact, "qemuDomainSetMemoryFlags", cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, async () =>
        {
            await LearnMaximumForChangeAsync(qemu, cancellationToken).ConfigureAwait(false);
            // No balloon gives or takes virtio-mem.
            if (kib > qemu.Sizes?.WithoutBalloonKiB)
            {
                throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu,
                    "cannot set memory higher than max memory");
            }

            QmpError? error = await qemu.Monitor.ChangeAsync(
                "balloon", QmpCommands.Balloon(kib * 1024), qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
            if (error is not null)
            {
                throw error.Class is QmpErrorClass.DeviceNotActive or QmpErrorClass.KvmMissingCap
                    ? LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu,
                        "Unable to change memory of active domain without the balloon device and guest OS balloon driver")
                    : QmpErrors.Refused("balloon", error);
            }
        }).ConfigureAwait(false);
    }

    public async ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveForChangeAsync(domain, impact, "qemuDomainSetMemoryFlags", cancellationToken).ConfigureAwait(false);
        throw Invalid("cannot resize the maximum memory on an active domain");
    }

    public async ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefuseConfig(impact, "qemuDomainGetMemoryParameters");
        return (qemu.Process is { } process ? new ControlGroupMemory().Limits(process.Pid) : null)
            ?? throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, "cgroup memory controller is not mounted");
    }

    /// <summary>libvirt's answer for a domain that nobody bound to cells.</summary>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainRules.CheckImpact(impact, "qemuDomainGetNumaParameters", ErrorOrigin.Qemu);
        DomainRules.RefuseBoth(impact);
        RefuseConfig(impact, "qemuDomainGetNumaParameters");
        return [TypedParameter.Int("numa_mode", 0), TypedParameter.String("numa_nodeset", "")];
    }

    private async ValueTask<QemuDomain> ResolveForChangeAsync(
        DomainIdentity domain, DomainModificationImpact impact, string function, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        if ((impact & DomainModificationImpact.Config) != 0)
            throw NoDefinition();
        return qemu;
    }

    private static LibvirtException NoDefinition() =>
        LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain, "transient domains do not have any persistent config");

    private async Task<BalloonDevice?> FindBalloonForChangeAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        try
        {
            await qemu.Monitor.EnsureConnectedAsync(_timeout, cancellationToken).ConfigureAwait(false);
            if (qemu.Monitor.Balloon is null)
                await qemu.Monitor.FindBalloonAsync(qemu.Instance.IsMeant, _timeout, cancellationToken).ConfigureAwait(false);
            return qemu.Monitor.Balloon;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
        {
            throw QmpErrors.NotSent(e, "qom-set");
        }
    }

    private async Task LearnMaximumForChangeAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        try
        {
            qemu.Learn(await qemu.QueryAsync(qemu.SizeParts, _timeout, cancellationToken).ConfigureAwait(false), _time);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.OperationTimeout)
        {
            throw QmpErrors.NotSent(e, "balloon");
        }
    }

    private static async ValueTask ChangeAsync(DomainIdentity domain, QemuDomain qemu, Func<Task> change)
    {
        try
        {
            await change().ConfigureAwait(false);
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
    }

    /// <summary>There is a balloon, but where it was, if it was anywhere, there is none: it was plugged, or plugged anew, meanwhile.</summary>
    private static bool MustLookForBalloon(QemuDomain qemu, in MonitorValues values) =>
        values.GuestStatsError is { Class: QmpErrorClass.DeviceNotFound }
        || (values.Has(MonitorParts.Balloon) && qemu.Monitor.Balloon is null);

    private async ValueTask<MonitorValues> AskAgainAsync(
        QemuDomain qemu, MonitorParts parts, MonitorValues values, CancellationToken cancellationToken)
    {
        if (qemu.Monitor.Balloon is { } balloon)
            qemu.Monitor.ForgetBalloon(balloon);
        await qemu.Monitor.FindBalloonAsync(qemu.Instance.IsMeant, _timeout, cancellationToken).ConfigureAwait(false);
        return qemu.Monitor.Balloon is null
            ? values
            : await qemu.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsGone(QemuDomain qemu, LibvirtException error) =>
        error.Code == ErrorCode.SystemError && qemu.HasExited;

    private static LibvirtException NoBalloon() =>
        LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Qemu,
            "No memory balloon device configured, can not set the collection period");
}
