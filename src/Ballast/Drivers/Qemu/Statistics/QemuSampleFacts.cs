using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Statistics;

/// <summary>One QEMU's answers as the facts of a sample.</summary>
internal static class QemuSampleFacts
{
    public static MemoryStatsFacts Describe(QemuDomain qemu, in MonitorValues values, ReportEvidence evidence, MemoryStatsOptions options)
    {
        Span<MemoryStat> entries = stackalloc MemoryStat[QemuMemoryStats.MaxCount];
        bool isUnbound = values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound, mayBoot = isUnbound && qemu.Instance.Reports.MayBoot(values);
        return new()
        {
            Entries = entries[..QemuMemoryStats.Fill(entries, values, qemu.Process, options)].ToArray(),
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
    public static MemoryStatsFacts DescribeLast(QemuDomain qemu, LibvirtException obstacle, MemoryStatsOptions options)
    {
        ReportHistory reports = qemu.Instance.Reports;

        // What the host holds is read now: without the answer's number, nobody shares what was read with it.
        return Describe(qemu, (reports.Last ?? default) with { Number = 0 }, reports.EvidenceOfLast(), options) with
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
    public static bool MayLackDriver(MemoryStats sample) =>
        sample.Reason is MemoryStatsReason.Stale or MemoryStatsReason.NeverReported or MemoryStatsReason.PollingOff
            or MemoryStatsReason.DriverWithoutService or MemoryStatsReason.Inconsistent;

    /// <summary>The reason in a sample for what would be an error elsewhere; null where it stays an error.</summary>
    public static MemoryStatsReason? Obstacle(LibvirtException error) => error.Reason ?? error.Code switch
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
