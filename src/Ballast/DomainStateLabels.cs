namespace Ballast;

/// <summary>virsh's words for states and reasons.</summary>
internal static class DomainStateLabels
{
    private static readonly string[] Running =
    [
        "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled", "save canceled",
        "event wakeup", "crashed", "post-copy", "post-copy failed",
    ];

    private static readonly string[] Paused =
    [
        "unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot", "shutting down",
        "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed",
    ];

    private static readonly string[] Shutdown = ["unknown", "user"];

    private static readonly string[] Shutoff =
    [
        "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon",
    ];

    private static readonly string[] Crashed = ["unknown", "panicked"];

    public static string State(DomainState state) => state switch
    {
        DomainState.Running => "running",
        DomainState.Blocked => "idle",
        DomainState.Paused => "paused",
        DomainState.Shutdown => "in shutdown",
        DomainState.Shutoff => "shut off",
        DomainState.Crashed => "crashed",
        DomainState.PMSuspended => "pmsuspended",
        _ => "no state",
    };

    public static string Reason(DomainState state, int reason)
    {
        string[] labels = state switch
        {
            DomainState.Running => Running,
            DomainState.Paused => Paused,
            DomainState.Shutdown => Shutdown,
            DomainState.Shutoff => Shutoff,
            DomainState.Crashed => Crashed,
            _ => [],
        };
        return (uint)reason < (uint)labels.Length ? labels[reason] : "unknown";
    }
}
