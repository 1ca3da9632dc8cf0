using static Ballast.DomainStateReasons;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>QEMU's run states in libvirt's terms, where nothing is known but the run state: as a libvirtd that was started anew tells them.</summary>
internal static class RunStates
{
    public static DomainStateInfo Runs(int reason) => new(DomainState.Running, reason);

    public static DomainStateInfo IsPaused(int reason) => new(DomainState.Paused, reason);

    public static DomainStateInfo HasPanicked { get; } = new(DomainState.Crashed, Crashed.Panicked);

    public static DomainStateInfo Sleeps { get; } = new(DomainState.PMSuspended, Unknown);

    public static DomainStateInfo ShutDown { get; } = new(DomainState.Shutdown, Unknown);

    public static DomainStateInfo Map(RunState told, bool isRunning) => told switch
    {
        RunState.Running => Runs(Running.Booted),
        RunState.Paused or RunState.Prelaunch => IsPaused(Paused.User),
        RunState.InMigrate or RunState.PostMigrate or RunState.FinishMigrate => IsPaused(Paused.Migration),
        RunState.SaveVM => IsPaused(Paused.Save),
        RunState.RestoreVM or RunState.Debug or RunState.InternalError or RunState.Colo => IsPaused(Unknown),
        RunState.IOError => IsPaused(Paused.IOError),
        RunState.Watchdog => IsPaused(Paused.Watchdog),
        RunState.Shutdown => ShutDown,
        RunState.GuestPanicked => HasPanicked,
        RunState.Suspended => Sleeps,
        _ => isRunning ? Runs(Unknown) : IsPaused(Unknown),
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
