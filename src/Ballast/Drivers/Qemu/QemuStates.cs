using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>QEMU's run states in libvirt's terms.</summary>
internal static class QemuStates
{
    public static DomainStateInfo Unusable { get; } = new(DomainState.NoState, 0);

    public static DomainStateInfo Map(RunState state, bool isRunning, int runningReason) => state switch
    {
        RunState.Running => new(DomainState.Running, runningReason),
        RunState.Paused or RunState.Prelaunch => new(DomainState.Paused, 1),
        RunState.InMigrate or RunState.PostMigrate or RunState.FinishMigrate => new(DomainState.Paused, 2),
        RunState.SaveVM => new(DomainState.Paused, 3),
        RunState.RestoreVM or RunState.Debug or RunState.InternalError or RunState.Colo => new(DomainState.Paused, 0),
        RunState.IOError => new(DomainState.Paused, 5),
        RunState.Watchdog => new(DomainState.Paused, 6),
        RunState.Shutdown => new(DomainState.Paused, 8),
        RunState.GuestPanicked => new(DomainState.Paused, 10),
        RunState.Suspended => new(DomainState.PMSuspended, 0),
        _ => new(isRunning ? DomainState.Running : DomainState.Paused, 0),
    };
}
