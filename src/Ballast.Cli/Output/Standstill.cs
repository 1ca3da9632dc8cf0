using Ballast.Cli.Doctor;

namespace Ballast.Cli.Output;

/// <summary>A guest that does not run: why, and what to do. Not whatever does not run runs again by being resumed.</summary>
/// <param name="Cause">What the hypervisor told beyond libvirt's terms.</param>
/// <param name="State">What it does instead of running; null where nobody could tell.</param>
internal readonly record struct Standstill(PauseCause Cause, DomainStateInfo? State)
{
    // libvirt's reasons why a domain is paused.
    private const int NoReason = 0, ByUser = 1, Migration = 2, Save = 3, Dump = 4, IOError = 5, ShuttingDown = 8, Snapshot = 9, StartingUp = 11,
        PostCopy = 12, PostCopyFailed = 13;

    /// <summary>What a guest does instead of running; null where it runs, or nobody can tell.</summary>
    /// <param name="domain">The guest.</param>
    /// <param name="stats">Its sample.</param>
    /// <param name="cancellationToken">Ends the question.</param>
    public static async ValueTask<DomainStateInfo?> StateOfAsync(Domain domain, MemoryStats stats, CancellationToken cancellationToken)
    {
        if (stats.Reason != MemoryStatsReason.Paused)
            return null;
        if (stats.State is { } known)
            return known;
        try
        {
            return await domain.GetStateAsync(cancellationToken);
        }
        catch (LibvirtException)
        {
            return null;
        }
    }

    /// <summary>It is on its way to another host or there already, so its settings here are nobody's to change.</summary>
    public bool IsLeaving => IsPaused && (Cause is PauseCause.Migrating or PauseCause.Migrated
        || (Cause != PauseCause.Waiting && State is { Reason: Migration or PostCopy or PostCopyFailed }));

    /// <summary>Nothing is known but that it is paused, so that to resume it is all there is to do.</summary>
    public bool WaitsForResume => Cause is PauseCause.Unknown or PauseCause.Waiting
        && (State is null or { State: DomainState.NoState } or { State: DomainState.Paused, Reason: ByUser }
            || (Cause == PauseCause.Waiting && State is { State: DomainState.Paused, Reason: NoReason }));

    /// <summary>Why it does not run, in libvirt's words or better ones; null where nobody knows.</summary>
    public string? Why => this switch
    {
        { State: null or { State: DomainState.NoState }, Cause: PauseCause.Unknown or PauseCause.Waiting } => null,
        { IsPaused: false, State: { } other } => $"{other.State.Label()}: {other.ReasonLabel}",
        { Cause: PauseCause.Migrated } => "migrated",
        { Cause: PauseCause.Restoring } => "restoring",
        { Cause: PauseCause.Debugging } => "debugger",
        { Cause: PauseCause.InternalError } => "internal error",
        { Cause: PauseCause.Replicating } => "replicating",
        { Cause: PauseCause.Waiting, State.Reason: Migration } => "arrived by migration",
        { State: { State: DomainState.Paused } paused } => paused.ReasonLabel,
        _ => "migrating",
    };

    // What was sampled and what was answered about the state may be of two moments: what is no pause outranks a cause of one.
    private bool IsPaused => State is null or { State: DomainState.Paused or DomainState.NoState };

    /// <param name="domain">Whose commands are to be printed.</param>
    public Remedy Remedy(Domain domain)
    {
        string resume = ShellCommand.On(domain, "resume"), restart = $"{ShellCommand.On(domain, "reset")} && {resume}";
        return State?.State switch
        {
            DomainState.Running or DomainState.Blocked => new("It is running now: try again"),
            DomainState.PMSuspended => new("It sleeps; wake it up", ShellCommand.On(domain, "dompmwakeup")),
            DomainState.Crashed => new("Its system crashed. Look at its console, then start it again", restart),
            DomainState.Shutdown => new("Its system has shut down. End it, or start it again", restart),
            DomainState.Shutoff => new("It has ended: look again"),
            _ => OfPaused(resume, restart),
        };
    }

    private Remedy OfPaused(string resume, string restart) => (Cause, State?.Reason ?? NoReason) switch
    {
        (PauseCause.Migrated, _) => new("It has moved to another host, or into a file: end this one, do not resume it"),
        (PauseCause.Migrating, _) => new("It is being migrated: wait until that is over"),
        (PauseCause.Restoring, _) => new("It is being restored: wait until that is over"),
        (PauseCause.Debugging, _) => new("A debugger has stopped it: continue it there"),
        (PauseCause.InternalError, _) => new("QEMU failed at running it. Look at its console, then reset and resume it", restart),
        (PauseCause.Replicating, _) => new("It is kept equal to its copy on another host: wait until that is over"),
        (PauseCause.Waiting, Migration) => new("It has arrived from another host. Resume it, once it no longer runs there", resume),
        (PauseCause.Waiting, NoReason) when State is { State: DomainState.Paused } => new("Resume it", resume),
        (_, Migration or PostCopy) => new("It is being migrated: wait until that is over"),
        (_, PostCopyFailed) => new("Its migration failed after it had begun to run on the other host: recover the migration, do not resume it"),
        (_, Save) => new("It is being saved: wait until that is over"),
        (_, Dump or Snapshot) => new("It is being dumped or a snapshot is taken: wait until that is over"),
        (_, StartingUp or ShuttingDown) => new("It is just starting or ending: wait until that is over"),
        (_, IOError) => new("QEMU could not read or write a disk. Mend or enlarge the storage, then resume it", resume),
        (_, NoReason) => new("The reason why it is paused is unknown. Look with `domstate --reason` and at its console, before you resume it"),
        _ => new("Resume it", resume),
    };
}
