namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who is told what happens at a monitor. Called with the monitor's lock held: neither blocks nor calls the monitor.</summary>
internal interface IMonitorListener
{
    /// <summary>The monitor is connected, now or when the listener was attached, and this is how its QEMU is.</summary>
    void Connected(RunState state, ulong? actualBytes);

    void Happened(MonitorEvent happened);

    void BalloonChanged(ulong actualBytes);

    /// <summary>The connection ended.</summary>
    void Lost();
}

/// <summary>QEMU's events about the life of its guest.</summary>
internal enum MonitorEvent
{
    /// <summary>Not one of these.</summary>
    None,

    Stop,
    Resume,
    Reset,
    GuestShutdown,
    HostShutdown,
    Suspend,
    SuspendDisk,
    Wakeup,
    GuestPanicked,

    /// <summary>A watchdog will stop the guest.</summary>
    WatchdogPause,

    /// <summary>An I/O error will stop the guest.</summary>
    IOErrorStop,
}
