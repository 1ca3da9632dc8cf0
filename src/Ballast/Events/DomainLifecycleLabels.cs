namespace Ballast;

/// <summary>virsh's words for lifecycle events.</summary>
internal static class DomainLifecycleLabels
{
    private static readonly string[][] Details =
    [
        ["Added", "Updated", "Renamed", "Snapshot"],
        ["Removed", "Renamed"],
        ["Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"],
        ["Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot", "API error", "Post-copy", "Post-copy Error"],
        ["Unpaused", "Migrated", "Snapshot", "Post-copy"],
        ["Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot"],
        ["Finished", "Finished after guest request", "Finished after host request"],
        ["Memory", "Disk"],
        ["Panicked", "Crashloaded"],
    ];

    public static string Detail(DomainLifecycleChange change, int detail) =>
        (uint)change < (uint)Details.Length && (uint)detail < (uint)Details[(int)change].Length ? Details[(int)change][detail] : "";
}
