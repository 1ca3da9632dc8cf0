using static Ballast.DomainStateReasons;
using Details = Ballast.DomainLifecycleDetails;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A change of a guest's life, in the terms of libvirt's lifecycle events.</summary>
internal readonly record struct LifeStep(DomainLifecycleChange Change, int Detail);

/// <summary>
/// What one guest does and why, in libvirt's terms. QEMU tells its run state when asked; why it is in it, only the events
/// before tell, and a reset leaves of many run states just "prelaunch". What no event told is taken from the run state.
/// </summary>
internal sealed class RunHistory
{
    private bool _isIncoming;
    private bool _hasArrived;
    private bool _runsOnCrashed;
    private bool _isStoppedAsleep;
    private int _stopReason = Paused.User;

    /// <summary>As of the last answer or event; no state before the first.</summary>
    public DomainStateInfo State { get; private set; }

    /// <summary>QEMU answered this when it was asked.</summary>
    public DomainStateInfo Note(RunState told, bool isRunning)
    {
        _isIncoming |= told == RunState.InMigrate;

        // It came all the way, and waits until somebody resumes it.
        _hasArrived |= _isIncoming && told == RunState.Paused;
        _runsOnCrashed &= State.State == DomainState.Crashed;
        State = told switch
        {
            RunState.Running => StateWhenRunning(),
            RunState.Paused => _isIncoming || IsCrashedOn || _isStoppedAsleep ? State : RunStates.Map(told, isRunning),
            RunState.Prelaunch => StateWhenReset(),
            _ => RunStates.Map(told, isRunning),
        };
        _isStoppedAsleep &= State.State == DomainState.PMSuspended;
        return State;
    }

    /// <summary>QEMU said that this happened.</summary>
    /// <returns>What it means to those who follow the guest's life; null where nothing changed for them.</returns>
    public LifeStep? Note(MonitorEvent happened)
    {
        switch (happened)
        {
            // Processors stop when the guest panics, suspends or shuts down too: that was told already.
            case MonitorEvent.Stop when MayRun:
                return Enter(RunStates.IsPaused(_stopReason));

            // Newer QEMUs stop a guest that sleeps, call it paused, and let it sleep on afterwards.
            case MonitorEvent.Stop when State.State == DomainState.PMSuspended:
                _isStoppedAsleep = true;
                return null;
            case MonitorEvent.WatchdogPause when MayRun:
                _stopReason = Paused.Watchdog;
                return null;
            case MonitorEvent.IOErrorStop when MayRun:
                _stopReason = Paused.IOError;
                return null;
            case MonitorEvent.Resume when State.State != DomainState.Running:
                return Enter(RunStates.Runs(ReasonToResume));
            case MonitorEvent.Suspend or MonitorEvent.SuspendDisk when MayRun:
                return Enter(RunStates.Sleeps) with
                {
                    Detail = happened == MonitorEvent.Suspend ? Details.PMSuspended.Memory : Details.PMSuspended.Disk,
                };
            case MonitorEvent.Wakeup when State.State is DomainState.PMSuspended or DomainState.NoState:
                return Enter(RunStates.Runs(Running.Wakeup));
            case MonitorEvent.GuestPanicked or MonitorEvent.GuestPanickedAndRuns:
                LifeStep crash = Enter(RunStates.HasPanicked);
                _runsOnCrashed = happened == MonitorEvent.GuestPanickedAndRuns;
                return crash;
            case MonitorEvent.GuestCrashLoaded:
                return new LifeStep(DomainLifecycleChange.Crashed, Details.Crashed.Crashloaded);
            case MonitorEvent.GuestShutdown or MonitorEvent.HostShutdown when State.State != DomainState.Shutdown:
                return Enter(RunStates.ShutDown) with
                {
                    Detail = happened == MonitorEvent.GuestShutdown ? Details.Shutdown.ByGuest : Details.Shutdown.ByHost,
                };
            case MonitorEvent.Reset when State.State == DomainState.Crashed:
                _ = Enter(_runsOnCrashed ? RunStates.Runs(Running.Booted) : RunStates.IsPaused(Paused.Crashed));
                return null;
            default:
                return null;
        }
    }

    /// <summary>The event by which libvirt tells that a guest came into that state.</summary>
    public static LifeStep StepTo(DomainStateInfo state) => state.State switch
    {
        DomainState.Running when state.Reason == Running.Wakeup => new(DomainLifecycleChange.Started, Details.Started.Wakeup),
        DomainState.Running => new(
            DomainLifecycleChange.Resumed, state.Reason == Running.Migrated ? Details.Resumed.Migrated : Details.Resumed.Unpaused),
        DomainState.PMSuspended => new(DomainLifecycleChange.PMSuspended, Details.PMSuspended.Memory),
        DomainState.Crashed => new(DomainLifecycleChange.Crashed, Details.Crashed.Panicked),
        DomainState.Shutdown => new(DomainLifecycleChange.Shutdown, Details.Shutdown.Finished),
        _ => new(DomainLifecycleChange.Suspended, state.Reason switch
        {
            Paused.Migration => Details.Suspended.Migrated,
            Paused.IOError => Details.Suspended.IOError,
            Paused.Watchdog => Details.Suspended.Watchdog,
            _ => Details.Suspended.Paused,
        }),
    };

    // Of one whose run state nobody told, every event is believed.
    private bool MayRun => State.State is DomainState.Running or DomainState.NoState;

    private int ReasonToResume => _isIncoming && !_hasArrived ? Running.Migrated : Running.Unpaused;

    private bool IsCrashedOn => State.State == DomainState.Crashed && _runsOnCrashed;

    // It runs though nobody heard how it came to that.
    private DomainStateInfo StateWhenRunning()
    {
        DomainStateInfo running = State.State switch
        {
            DomainState.Running => State,
            DomainState.Crashed when _runsOnCrashed => State,
            DomainState.NoState => RunStates.Runs(Running.Booted),
            DomainState.PMSuspended => RunStates.Runs(Running.Wakeup),
            _ => RunStates.Runs(ReasonToResume),
        };
        _isIncoming = _hasArrived = false;
        return running;
    }

    // A guest that was reset waits as it did before, but one that panicked has not any more.
    private DomainStateInfo StateWhenReset() => State.State switch
    {
        DomainState.NoState or DomainState.Running => RunStates.IsPaused(Paused.User),
        DomainState.Crashed => RunStates.IsPaused(Paused.Crashed),
        _ => State,
    };

    private LifeStep Enter(DomainStateInfo state)
    {
        State = state;
        _isStoppedAsleep = false;
        _stopReason = Paused.User;
        if (state.State == DomainState.Running)
            _isIncoming = _hasArrived = false;
        return StepTo(state);
    }
}
