using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <content>Samples: what the guest reported with its circumstances, also where nobody can be asked.</content>
internal sealed partial class QemuDriver
{
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
                outcome = await monitor.Refresh.RunAsync(qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
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
            if (qemu.CannotTellDriver && qemu.Instance.Reports.TryAskForOffer())
            {
                _ = qemu.Instance.Reports.Learn(await qemu.Monitor.QueryAsync(
                    MonitorParts.OffersDeflate, _timeout, cancellationToken).ConfigureAwait(false));
            }
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
            ? Describe(qemu, values, qemu.Instance.Reports.Learn(values, isOfNow: hasAnswered == true), options)
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
            ? await WithDriverStateAsync(qemu, values, facts, sample, cancellationToken).ConfigureAwait(false)
            : sample;
    }

    private async ValueTask PutBackAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        try
        {
            await qemu.Monitor.Refresh.PutBackAsync(qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // The sample says that collection is off, which is true for whoever reads it. The next one tries again.
        }
    }

    private static MemoryStatsFacts Describe(QemuDomain qemu, in MonitorValues values, ReportEvidence evidence, MemoryStatsOptions options)
    {
        MemoryStat[] entries = new MemoryStat[QemuMemoryStats.MaxCount];
        bool isUnbound = values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound, mayBoot = isUnbound && qemu.Instance.Reports.MayBoot(values);
        return new()
        {
            Entries = entries[..QemuMemoryStats.Fill(entries, values, qemu.Process, options)],
            Rejected = QemuMemoryStats.Rejected(values),
            PeriodSeconds = values.Has(MonitorParts.PollingInterval) ? QmpRefresh.Period(values.PollingIntervalSeconds) : null,
            IsRunning = values.Has(MonitorParts.Status) ? values.IsRunning : null,
            State = values.Has(MonitorParts.Status) ? values.State : null,
            PauseCause = values.Has(MonitorParts.Status) && !values.IsRunning ? RunStates.Cause(values.RunState) : PauseCause.Unknown,
            Obstacle = HasNoBalloon(values) ? MemoryStatsReason.NoBalloonDevice : null,
            HostSideMissing = qemu.Process is null ? MemoryStatsReason.ProcessNotFound : null,
            DriverNotLoaded = isUnbound && !mayBoot,
            MaximumKiB = qemu.MaxMemoryKiB,
            CounterWentBackwards = evidence.CounterWentBackwards,
            IsFromBeforeReset = evidence.IsFromBeforeReset || mayBoot,
            KnownFor = evidence.KnownFor,
            BalloonInUsedKiB = QemuMemoryStats.BalloonInUsedKiB(
                values.GuestStats.Report, evidence.ActualBytes, qemu.Sizes, qemu.Instance.Reports.DeflatesOnOom),
            ActualAtReportKiB = evidence.ActualAtReportBytes / 1024,
            LeftByBalloonKiB = (evidence.MostActualBytes / 1024) + (qemu.Sizes?.VirtioMemKiB ?? 0),
            SeesOnlyWhatIsLeft = GuestMemoryStats.SeesOnlyWhatIsLeft(
                values.GuestStats.Report.Find(MemoryStatTag.HugetlbPgAlloc) is not null, qemu.Instance.Reports.DeflatesOnOom),
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
            State = null,
            DriverNotLoaded = false,
            Detail = obstacle.Message,
        };
    }

    // Before its machine is complete (-preconfig), QEMU refuses the question: that says nothing of the answer.
    private static bool HasNoBalloon(in MonitorValues values) =>
        !values.Has(MonitorParts.GuestStats) && values.GuestStatsError is null or { Class: QmpErrorClass.DeviceNotFound }
        && values.BalloonError is not { Class: QmpErrorClass.Generic };

    // Worth a question of its own only where the numbers are not simply good.
    private static bool MayLackDriver(MemoryStats sample) =>
        sample.Reason is MemoryStatsReason.Stale or MemoryStatsReason.NeverReported or MemoryStatsReason.PollingOff
            or MemoryStatsReason.DriverWithoutService or MemoryStatsReason.Inconsistent;

    private async ValueTask<MemoryStats> WithDriverStateAsync(
        QemuDomain qemu, MonitorValues known, MemoryStatsFacts facts, MemoryStats sample, CancellationToken cancellationToken)
    {
        try
        {
            MonitorValues values = await qemu.Monitor.QueryAsync(
                MonitorParts.VirtioStatus, _timeout, cancellationToken).ConfigureAwait(false);
            _ = qemu.Instance.Reports.Learn(values);
            if (values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound)
            {
                return (qemu.Instance.Reports.MayBoot(values with { GuestStats = known.GuestStats })
                    ? facts with { IsFromBeforeReset = true }
                    : facts with { DriverNotLoaded = true }).ToSample(_time.GetUtcNow());
            }
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
}
