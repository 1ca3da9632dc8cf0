using System.Runtime.CompilerServices;
using Ballast.Drivers.Qemu.Qmp;

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
            values = await qemu.Monitor.QueryAsync(
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

    public async ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        await SampleMemoryAsync(
            domain, await ResolveAsync(domain, cancellationToken).ConfigureAwait(false), options, hasAnswered: null, cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefreshOutcome outcome = RefreshOutcome.NotAsked;
        if (qemu is { Obstacle: null, MonitorOrNull: { } monitor })
        {
            await ChangeAsync(domain, qemu, async () =>
                outcome = await monitor.Refresh.RunAsync(_timeout, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }

        return await SampleMemoryAsync(
            domain, qemu, options, outcome == RefreshOutcome.NotAsked ? null : outcome == RefreshOutcome.Answered, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, QemuDomain qemu, MemoryStatsOptions options, bool? hasAnswered, CancellationToken cancellationToken)
    {
        MonitorValues values = default;
        LibvirtException? obstacle = null;
        try
        {
            MonitorParts parts =
                MonitorParts.GuestStats | MonitorParts.PollingInterval | MonitorParts.Status | qemu.SizeParts;

            // A guest that was reset before we were connected has no driver, or has reported since.
            if (!qemu.CannotTellDriver && !qemu.Instance.Reports.KnowsDriver(qemu.Monitor))
                parts |= MonitorParts.VirtioStatus;
            values = await qemu.Monitor.QueryAsync(
                parts, _timeout, _allowsSynchronousContinuations, cancellationToken).ConfigureAwait(false);
            if (MustLookForBalloon(qemu, values))
                values = await AskAgainAsync(qemu, parts, values, cancellationToken).ConfigureAwait(false);
            qemu.Learn(values, _time);
            qemu.CannotTellDriver |= values.LacksVirtioStatus;
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
        catch (LibvirtException e) when (Obstacle(e) is not null)
        {
            obstacle = e;
        }

        MemoryStatsFacts facts = obstacle is null
            ? Describe(qemu, values, qemu.Instance.Reports.Learn(values), options)
            : DescribeLast(qemu, obstacle, options);
        facts = facts with
        {
            HasAnswered = hasAnswered,
            Detail = facts.Detail ?? (hasAnswered == false ? "the guest was asked for a report and did not answer in time" : null),
        };
        MemoryStats sample = facts.ToSample(_time.GetUtcNow());
        if (_mayChange && values.Has(MonitorParts.PollingInterval)
            && qemu.Monitor.Refresh.IsLeftOver(values.PollingIntervalSeconds, sample.Age, _timeout))
        {
            await PutBackAsync(qemu, cancellationToken).ConfigureAwait(false);
        }

        return MayLackDriver(sample) && !values.Has(MonitorParts.VirtioStatus) && !qemu.CannotTellDriver && qemu.MonitorOrNull?.Balloon is not null
            ? await WithDriverStateAsync(qemu, facts, sample, cancellationToken).ConfigureAwait(false)
            : sample;
    }

    private async ValueTask PutBackAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        try
        {
            await qemu.Monitor.Refresh.PutBackAsync(_timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // The sample says that collection is off, which is true for whoever reads it. The next one tries again.
        }
    }

    public async ValueTask<int> GetMemoryStatsPeriodAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        try
        {
            MonitorValues values = await qemu.Monitor.QueryAsync(
                MonitorParts.Balloon | MonitorParts.PollingInterval, _timeout, cancellationToken).ConfigureAwait(false);
            if (!values.Has(MonitorParts.PollingInterval))
            {
                values = await AskAgainAsync(
                    qemu, MonitorParts.Balloon | MonitorParts.PollingInterval, values, cancellationToken).ConfigureAwait(false);
            }

            return values.Has(MonitorParts.PollingInterval)
                ? (int)Math.Min(QmpRefresh.Period(values.PollingIntervalSeconds), int.MaxValue)
                : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Qemu,
                    "No memory balloon device configured, so there is no collection period");
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
            QmpError? error = await qemu.Monitor.CallAsync(
                "qom-set", QmpCommands.SetPollingInterval(balloon, seconds), changesSomething: true, QmpReplies.ReadNothing,
                _timeout, cancellationToken).ConfigureAwait(false);
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

            QmpError? error = await qemu.Monitor.CallAsync(
                "balloon", QmpCommands.Balloon(kib * 1024), changesSomething: true, QmpReplies.ReadNothing,
                _timeout, cancellationToken).ConfigureAwait(false);
            if (error is not null)
            {
                throw error.Class is QmpErrorClass.DeviceNotActive or QmpErrorClass.KvmMissingCap
                    ? LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu,
                        "Unable to change memory of active domain without the balloon device and guest OS balloon driver")
                    : QmpErrors.Refused("balloon", error);
            }
        }).ConfigureAwait(false);
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
                await qemu.Monitor.FindBalloonAsync(_timeout, cancellationToken).ConfigureAwait(false);
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
            qemu.Learn(await qemu.Monitor.QueryAsync(qemu.SizeParts, _timeout, cancellationToken).ConfigureAwait(false), _time);
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
        await qemu.Monitor.FindBalloonAsync(_timeout, cancellationToken).ConfigureAwait(false);
        return qemu.Monitor.Balloon is null
            ? values
            : await qemu.Monitor.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
    }

    private static MemoryStatsFacts Describe(QemuDomain qemu, in MonitorValues values, ReportEvidence evidence, MemoryStatsOptions options)
    {
        MemoryStat[] entries = new MemoryStat[QemuMemoryStats.MaxCount];
        return new()
        {
            Entries = entries[..QemuMemoryStats.Fill(entries, values, qemu.Process, options)],
            Rejected = QemuMemoryStats.Rejected(values),
            PeriodSeconds = values.Has(MonitorParts.PollingInterval) ? QmpRefresh.Period(values.PollingIntervalSeconds) : null,
            IsRunning = values.Has(MonitorParts.Status) ? values.IsRunning : null,
            Obstacle = HasNoBalloon(values) ? MemoryStatsReason.NoBalloonDevice : null,
            HostSideMissing = qemu.Process is null ? MemoryStatsReason.PermissionDenied : null,
            DriverNotLoaded = values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound,
            MaximumKiB = qemu.MaxMemoryKiB,
            CounterWentBackwards = evidence.CounterWentBackwards,
            IsFromBeforeReset = evidence.IsFromBeforeReset,
            KnownFor = evidence.KnownFor,
            BalloonInUsedKiB = QemuMemoryStats.BalloonInUsedKiB(
                values.GuestStats.Report, evidence.ActualBytes, qemu.Sizes?.WithoutBalloonKiB, qemu.Instance.Reports.DeflatesOnOom),
            Detail = (values.GuestStatsError ?? values.BalloonError)?.Description ?? qemu.Instance.Disagreement(),
        };
    }

    /// <summary>What was known before there was something that kept us from asking.</summary>
    private static MemoryStatsFacts DescribeLast(QemuDomain qemu, LibvirtException obstacle, MemoryStatsOptions options)
    {
        ReportHistory reports = qemu.Instance.Reports;
        return Describe(qemu, reports.Last ?? default, reports.EvidenceOfLast(), options) with
        {
            Obstacle = Obstacle(obstacle),
            IsRunning = null,
            DriverNotLoaded = false,
            Detail = obstacle.Message,
        };
    }

    private static bool HasNoBalloon(in MonitorValues values) =>
        !values.Has(MonitorParts.GuestStats) && values.GuestStatsError is null or { Class: QmpErrorClass.DeviceNotFound };

    // Worth a question of its own only where the numbers are not simply good.
    private static bool MayLackDriver(MemoryStats sample) =>
        sample.Reason is MemoryStatsReason.Stale or MemoryStatsReason.NeverReported or MemoryStatsReason.PollingOff
            or MemoryStatsReason.DriverWithoutService or MemoryStatsReason.Inconsistent;

    private async ValueTask<MemoryStats> WithDriverStateAsync(
        QemuDomain qemu, MemoryStatsFacts facts, MemoryStats sample, CancellationToken cancellationToken)
    {
        try
        {
            MonitorValues values = await qemu.Monitor.QueryAsync(
                MonitorParts.VirtioStatus, _timeout, cancellationToken).ConfigureAwait(false);
            _ = qemu.Instance.Reports.Learn(values);
            if (values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound)
                return (facts with { DriverNotLoaded = true }).ToSample(_time.GetUtcNow());
        }
        catch (LibvirtException)
        {
            // The sample is complete without it.
        }

        return sample;
    }

    /// <summary>The reason in a sample for what would be an error elsewhere; null where it stays an error.</summary>
    private static MemoryStatsReason? Obstacle(LibvirtException error) => error.Reason ?? error.Code switch
    {
        ErrorCode.OperationTimeout => MemoryStatsReason.MonitorHung,
        ErrorCode.ResourceBusy => MemoryStatsReason.MonitorBusy,
        ErrorCode.OperationUnsupported => MemoryStatsReason.NoMonitor,
        _ when QmpErrors.IsPermissionDenied(error) => MemoryStatsReason.PermissionDenied,
        ErrorCode.SystemError when error.Origin == ErrorOrigin.Qemu && QmpErrors.IsNotFound(error) => MemoryStatsReason.SocketNotFound,

        // Not that it was lost under this call, which is an error, but that there is nobody to connect to.
        ErrorCode.SystemError when error.Origin == ErrorOrigin.Qemu => MemoryStatsReason.ConnectionLost,
        _ => null,
    };

    private static bool IsGone(QemuDomain qemu, LibvirtException error) =>
        error.Code == ErrorCode.SystemError && qemu.HasExited;

    private static LibvirtException NoBalloon() =>
        LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Qemu,
            "No memory balloon device configured, can not set the collection period");
}
