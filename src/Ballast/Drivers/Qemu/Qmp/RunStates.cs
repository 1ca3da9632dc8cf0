namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>QEMU's run states in libvirt's terms, where nothing is known but the run state: as a libvirtd that was started anew tells them.</summary>
internal static class RunStates
{
    // libvirt's reasons: why a domain is running, paused or crashed.
    public const int Booted = 1, Migrated = 2, Unpaused = 5, Wakeup = 8;
    public const int ByUser = 1, ByMigration = 2, BySave = 3, ByIOError = 5, ByWatchdog = 6, AfterCrash = 10;
    public const int Panicked = 1;

    public static DomainStateInfo Running(int reason) => new(DomainState.Running, reason);

    public static DomainStateInfo Paused(int reason) => new(DomainState.Paused, reason);

    public static DomainStateInfo Crashed { get; } = new(DomainState.Crashed, Panicked);

    public static DomainStateInfo Suspended { get; } = new(DomainState.PMSuspended, 0);

    public static DomainStateInfo ShutDown { get; } = new(DomainState.Shutdown, 0);

    public static DomainStateInfo Map(RunState told, bool isRunning) => told switch
    {
        RunState.Running => Running(Booted),
        RunState.Paused or RunState.Prelaunch => Paused(ByUser),
        RunState.InMigrate or RunState.PostMigrate or RunState.FinishMigrate => Paused(ByMigration),
        RunState.SaveVM => Paused(BySave),
        RunState.RestoreVM or RunState.Debug or RunState.InternalError or RunState.Colo => Paused(0),
        RunState.IOError => Paused(ByIOError),
        RunState.Watchdog => Paused(ByWatchdog),
        RunState.Shutdown => ShutDown,
        RunState.GuestPanicked => Crashed,
        RunState.Suspended => Suspended,
        _ => isRunning ? Running(0) : Paused(0),
    };

    /// <summary>What libvirt's terms do not tell apart.</summary>
    public static PauseCause Cause(RunState told) => told switch
    {
        RunState.Paused or RunState.Prelaunch => PauseCause.Waiting,
        RunState.InMigrate or RunState.FinishMigrate => PauseCause.Migrating,
        RunState.PostMigrate => PauseCause.Migrated,
        RunState.RestoreVM => PauseCause.Restoring,
        RunState.Debug => PauseCause.Debugging,
        RunState.InternalError => PauseCause.InternalError,
        RunState.Colo => PauseCause.Replicating,
        _ => PauseCause.Unknown,
    };
}
