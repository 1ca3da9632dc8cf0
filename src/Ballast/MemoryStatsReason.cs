using System.Globalization;

namespace Ballast;

/// <summary>Why a sample, or one statistic of it, is as it is. Each reason has its remedy. A newer daemon may know more of them: such a number is kept as it is.</summary>
public enum MemoryStatsReason
{
    /// <summary>The guest reported within two collection periods and a second. Nothing to do.</summary>
    Fresh,

    /// <summary>Collection is on and the domain runs, but the last report is older than two periods and a second.</summary>
    Stale,

    /// <summary>The domain is not running, so its guest cannot report.</summary>
    Paused,

    /// <summary>The guest has not reported this since it, or its driver, was started.</summary>
    NeverReported,

    /// <summary>The guest has no driver bound to its balloon device.</summary>
    DriverNotLoaded,

    /// <summary>A Windows guest's driver answers, but the service that collects the numbers does not run.</summary>
    DriverWithoutService,

    /// <summary>Nobody set a collection period: what is shown is from when the driver was loaded, or there is nothing.</summary>
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

    /// <summary>The value was impossible and is not shown.</summary>
    RejectedValue,

    /// <summary>The daemon speaks libvirt's protocol only, which cannot say this.</summary>
    UnsupportedByDaemon,

    /// <summary>The QEMU's command line offers no monitor that could be asked.</summary>
    NoMonitor,

    /// <summary>The monitor's socket is not where the QEMU's command line says, or cannot be seen from here.</summary>
    SocketNotFound,

    /// <summary>The numbers cannot be true together, or come from the future; <see cref="MemoryStats.Inconsistencies"/> says which.</summary>
    Inconsistent,

    /// <summary>Another user's QEMU that was found, whose command line is not believed: nobody said that it may be.</summary>
    NotTrusted,
}

/// <summary>Texts of <see cref="MemoryStatsReason"/>.</summary>
public static class MemoryStatsReasonExtensions
{
    /// <summary>The reason in the field's words (<c>polling off</c>), as JSON output shows it; one that this version does not know by its number.</summary>
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
        _ => string.Create(CultureInfo.InvariantCulture, $"reason {(int)reason}"),
    };

    /// <summary>What the operator of the domain can do about it, one sentence; empty for <see cref="MemoryStatsReason.Fresh"/>.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="domainName">The domain's name, put into commands to type.</param>
    public static string Remedy(this MemoryStatsReason reason, string domainName)
    {
        ArgumentNullException.ThrowIfNull(domainName);
        return reason switch
        {
            MemoryStatsReason.Fresh => "",
            MemoryStatsReason.Stale => $"The guest may be stuck or very busy. Ask it anew: dommemstat {domainName} --refresh; if it stays silent, look at its console, or reset it.",
            MemoryStatsReason.Paused => "Resume the domain; its guest reports again when it runs.",
            MemoryStatsReason.NeverReported => "Wait for two collection periods; if nothing comes, check the balloon driver inside the guest.",
            MemoryStatsReason.DriverNotLoaded => "Load virtio_balloon in the guest (Windows: install the virtio-win balloon driver).",
            MemoryStatsReason.DriverWithoutService => "Start the balloon service inside the Windows guest (blnsvr.exe -i, from the virtio-win drivers).",
            MemoryStatsReason.PollingOff => $"Set a collection period: dommemstat {domainName} --period 2",
            MemoryStatsReason.NoBalloonDevice => "Give the domain a balloon: -device virtio-balloon-pci,id=balloon0 on QEMU's command line.",
            MemoryStatsReason.MonitorBusy => "Let the other program go, ask it instead, or start QEMU with one more -qmp monitor.",
            MemoryStatsReason.MonitorHung => "QEMU does not answer: it may be stopped (SIGSTOP, debugger) or stuck in I/O; it is asked again from time to time.",
            MemoryStatsReason.PermissionDenied => "Run as QEMU's user or root, or give this user write access to the monitor's socket.",
            MemoryStatsReason.ConnectionLost => "Repeat the call: the connection is opened again if the domain still runs.",
            MemoryStatsReason.RejectedValue => "The guest's driver reports an impossible number: update it.",
            MemoryStatsReason.UnsupportedByDaemon => "Connect through ballastd, or directly to QEMU's monitor, to learn more.",
            MemoryStatsReason.NoMonitor => "Start QEMU with a monitor: -qmp unix:PATH,server=on,wait=off",
            MemoryStatsReason.SocketNotFound => "Look what became of the socket: if it was moved, name it where it is now (qmp:///PATH); if it was removed, QEMU makes it anew when it is started again.",
            MemoryStatsReason.Inconsistent => $"Do not rely on these numbers. Ask the guest anew: dommemstat {domainName} --refresh",
            MemoryStatsReason.NotTrusted => "Name its monitor's socket, which is consent to use it (qmp:///PATH), or let ballastd trust its user (trusted_users).",
            _ => "This reason is newer than this program: update it.",
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
    /// <summary>The freshness in words: "never reported", "stale" or "fresh"; the number in decimal for one that this version does not name.</summary>
    public static string Label(this Freshness freshness) => freshness switch
    {
        Freshness.NeverReported => "never reported",
        Freshness.Stale => "stale",
        Freshness.Fresh => "fresh",
        _ => ((int)freshness).ToString(CultureInfo.InvariantCulture),
    };
}
