using System.Globalization;

namespace Ballast;

/// <summary>
/// The condition of a sample, or of one statistic in it. Each reason has a remedy. A newer daemon may send reasons that this version does
/// not know; their numbers are kept.
/// </summary>
public enum MemoryStatsReason
{
    /// <summary>The guest reported within two collection periods and a second. Nothing to do.</summary>
    Fresh,

    /// <summary>Collection is on and the domain runs, but the last report is older than two periods and a second.</summary>
    Stale,

    /// <summary>The domain is not running, so its guest cannot report.</summary>
    Paused,

    /// <summary>The guest has not reported this since it booted or loaded its driver.</summary>
    NeverReported,

    /// <summary>The guest has no driver bound to its balloon device.</summary>
    DriverNotLoaded,

    /// <summary>The driver of a Windows guest answers, but the service that collects the numbers does not run.</summary>
    DriverWithoutService,

    /// <summary>No collection period is set. The numbers, if any, are from when the guest loaded its driver.</summary>
    PollingOff,

    /// <summary>The domain has no memory balloon.</summary>
    NoBalloonDevice,

    /// <summary>Another program holds the monitor, which serves one client at a time.</summary>
    MonitorBusy,

    /// <summary>The monitor did not answer in time.</summary>
    MonitorHung,

    /// <summary>This user may not connect to the monitor.</summary>
    PermissionDenied,

    /// <summary>The connection to the monitor or daemon was lost.</summary>
    ConnectionLost,

    /// <summary>The reported value was impossible, and is not shown.</summary>
    RejectedValue,

    /// <summary>The daemon speaks only libvirt's protocol, which cannot carry this.</summary>
    UnsupportedByDaemon,

    /// <summary>QEMU's command line defines no usable monitor.</summary>
    NoMonitor,

    /// <summary>The monitor's socket is not where QEMU's command line says, or is not visible to this process.</summary>
    SocketNotFound,

    /// <summary>The numbers contradict each other or come from the future; <see cref="MemoryStats.Inconsistencies"/> says how.</summary>
    Inconsistent,

    /// <summary>A discovered QEMU of another user, whose command line is not trusted.</summary>
    NotTrusted,

    /// <summary>The process behind the monitor is not visible to this process, or is not proven to be QEMU's.</summary>
    ProcessNotFound,
}

/// <summary>Texts of <see cref="MemoryStatsReason"/>.</summary>
public static class MemoryStatsReasonExtensions
{
    /// <summary>The reason as text (<c>polling off</c>), as in the JSON output. A reason that this version does not know is <c>reason N</c>.</summary>
    public static string Label(this MemoryStatsReason reason) => reason switch
    {
        MemoryStatsReason.Fresh => "fresh",
        MemoryStatsReason.Stale => "stale",
        MemoryStatsReason.Paused => "paused",
        MemoryStatsReason.NeverReported => "never reported",
        MemoryStatsReason.DriverNotLoaded => "driver not loaded",
        MemoryStatsReason.DriverWithoutService => "driver without its service",
        MemoryStatsReason.PollingOff => "polling off",
        MemoryStatsReason.NoBalloonDevice => "no balloon device",
        MemoryStatsReason.MonitorBusy => "monitor busy",
        MemoryStatsReason.MonitorHung => "monitor hung",
        MemoryStatsReason.PermissionDenied => "permission denied",
        MemoryStatsReason.ConnectionLost => "connection lost",
        MemoryStatsReason.RejectedValue => "rejected value",
        MemoryStatsReason.UnsupportedByDaemon => "unsupported by this daemon",
        MemoryStatsReason.NoMonitor => "no monitor",
        MemoryStatsReason.SocketNotFound => "socket not found",
        MemoryStatsReason.Inconsistent => "inconsistent",
        MemoryStatsReason.NotTrusted => "not trusted",
        MemoryStatsReason.ProcessNotFound => "process not found",
        _ => string.Create(CultureInfo.InvariantCulture, $"reason {(int)reason}"),
    };

    /// <summary>What the operator can do about it, in one or two sentences; empty for <see cref="MemoryStatsReason.Fresh"/>.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="domainName">The domain's name, for the commands in the text.</param>
    public static string Remedy(this MemoryStatsReason reason, string domainName)
    {
        ArgumentNullException.ThrowIfNull(domainName);
        return reason switch
        {
            MemoryStatsReason.Fresh => "",
            MemoryStatsReason.Stale => $"The guest may be stuck or very busy. Request a new report: dommemstat {domainName} --refresh. If the guest does not answer, check its console or reset it.",
            MemoryStatsReason.Paused => "Resume the domain; a guest reports only while it runs.",
            MemoryStatsReason.NeverReported => "Wait for two collection periods; if there is still no report, check the balloon driver in the guest.",
            MemoryStatsReason.DriverNotLoaded => "Load virtio_balloon in the guest (Windows: install the virtio-win balloon driver).",
            MemoryStatsReason.DriverWithoutService => "Start the balloon service inside the Windows guest (blnsvr.exe -i, from the virtio-win drivers).",
            MemoryStatsReason.PollingOff => $"Set a collection period: dommemstat {domainName} --period 2",
            MemoryStatsReason.NoBalloonDevice => "Add a balloon device: -device virtio-balloon-pci,id=balloon0 on QEMU's command line.",
            MemoryStatsReason.MonitorBusy => "Ask the program that holds the monitor, or start QEMU with another -qmp monitor. If QEMU waits for its controller, connect that first.",
            MemoryStatsReason.MonitorHung => "QEMU may be stopped (SIGSTOP, debugger) or stuck in I/O. Ballast keeps trying to reach it.",
            MemoryStatsReason.PermissionDenied => "Run as QEMU's user or root, or give this user write access to the monitor's socket.",
            MemoryStatsReason.ConnectionLost => "Repeat the call; it reconnects if the domain still runs.",
            MemoryStatsReason.RejectedValue => "Update the guest's balloon driver: it reports an impossible number.",
            MemoryStatsReason.UnsupportedByDaemon => "To get this information, connect through ballastd or directly to QEMU's monitor.",
            MemoryStatsReason.NoMonitor => "Start QEMU with a monitor: -qmp unix:PATH,server=on,wait=off",
            MemoryStatsReason.SocketNotFound => "Find the socket. If it was moved, use its new path (qmp:///PATH); if it was removed, restart QEMU to create it again.",
            MemoryStatsReason.Inconsistent => $"Do not rely on these numbers. Request a new report: dommemstat {domainName} --refresh",
            MemoryStatsReason.NotTrusted => "Name its monitor's socket explicitly (qmp:///PATH), or add its user to ballastd's trusted_users.",
            MemoryStatsReason.ProcessNotFound => "Run Ballast where QEMU's process can be seen: on its host, in its PID namespace.",
            _ => "Update this program: it does not know this reason.",
        };
    }
}

/// <summary>How old a sample's numbers are, compared with its collection period.</summary>
public enum Freshness
{
    /// <summary>The guest has not reported at all.</summary>
    NeverReported,

    /// <summary>The last report is older than two periods and a second.</summary>
    Stale,

    /// <summary>The last report is within two periods and a second.</summary>
    Fresh,
}

/// <summary>The words for a <see cref="Freshness"/>.</summary>
public static class FreshnessExtensions
{
    /// <summary>The freshness in words: "never reported", "stale" or "fresh"; a decimal number if this version does not know it.</summary>
    public static string Label(this Freshness freshness) => freshness switch
    {
        Freshness.NeverReported => "never reported",
        Freshness.Stale => "stale",
        Freshness.Fresh => "fresh",
        _ => ((int)freshness).ToString(CultureInfo.InvariantCulture),
    };
}
