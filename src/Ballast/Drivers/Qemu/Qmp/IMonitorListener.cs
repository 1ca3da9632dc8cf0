namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Who is told what happens at a monitor. Called with the monitor's lock held: neither blocks nor calls the monitor.</summary>
internal interface IMonitorListener
{
    /// <summary>The monitor is connected, now or when the listener was attached, and this is how its QEMU is.</summary>
    void Connected(DomainStateInfo state, ulong? actualBytes);

    /// <summary>The guest's life changed; this is what it does now.</summary>
    void Lived(LifeStep step, DomainStateInfo state);

    void WasReset();

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

    /// <summary>The guest panicked, and QEMU was told to let it run on.</summary>
    GuestPanickedAndRuns,

    /// <summary>The guest panicked, and a kernel for that case took over.</summary>
    GuestCrashLoaded,

    /// <summary>A watchdog will stop the guest.</summary>
    WatchdogPause,

    /// <summary>An I/O error will stop the guest.</summary>
    IOErrorStop,
}
