using System.Globalization;

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

/// <summary>The words for <see cref="MemoryStatsInconsistency"/>.</summary>
public static class MemoryStatsInconsistencyExtensions
{
    /// <summary>
    /// What is inconsistent, with the labels of <see cref="MemoryStatTag"/> ("usable above available"); several are parted by commas,
    /// none is empty, and what this version does not name is its number in decimal.
    /// </summary>
    public static string Label(this MemoryStatsInconsistency found) => found switch
    {
        MemoryStatsInconsistency.None => "",
        MemoryStatsInconsistency.AvailableAboveMaximum => "available above maximum",
        MemoryStatsInconsistency.UsableAboveAvailable => "usable above available",
        MemoryStatsInconsistency.UnusedAboveAvailable => "unused above available",
        MemoryStatsInconsistency.CounterWentBackwards => "counter went backwards",
        MemoryStatsInconsistency.DiskCachesAboveAvailable => "disk_caches above available",
        MemoryStatsInconsistency.LastUpdateInFuture => "last_update in the future",
        _ when !uint.IsPow2((uint)found) => string.Join(", ", Each(found).Select(Label)),
        _ => ((uint)found).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Its bits one by one, from the lowest on.</summary>
    private static IEnumerable<MemoryStatsInconsistency> Each(MemoryStatsInconsistency found)
    {
        for (uint left = (uint)found; left != 0; left &= left - 1)
            yield return (MemoryStatsInconsistency)(left & ~(left - 1));
    }
}
