namespace Ballast;

/// <summary>Numbers that are possible each, but not together; they are delivered all the same, and flagged.</summary>
[Flags]
public enum MemoryStatsInconsistency
{
    /// <summary>None found.</summary>
    None = 0,

    /// <summary>The guest says it sees more memory than the domain's maximum.</summary>
    AvailableAboveMaximum = 1,

    /// <summary>The guest says more is usable than it sees.</summary>
    UsableAboveAvailable = 2,

    /// <summary>The guest says more is unused than it sees.</summary>
    UnusedAboveAvailable = 4,

    /// <summary>A counter is lower than in an earlier sample: the guest was reset, or its driver lies.</summary>
    CounterWentBackwards = 8,

    /// <summary>The guest says that caches and unused memory together are more than it sees.</summary>
    DiskCachesAboveAvailable = 16,

    /// <summary>The last report is from more than a second ahead: the host's clock was set back, or the number is false. Its age is unknown.</summary>
    LastUpdateInFuture = 32,
}
