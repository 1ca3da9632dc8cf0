namespace Ballast.Cli.Json;

/// <summary>The words for what a sample says, in JSON and in text.</summary>
internal static class MemoryText
{
    private static readonly (MemoryStatsInconsistency One, string Text)[] All =
    [
        (MemoryStatsInconsistency.AvailableAboveMaximum, "available above maximum"),
        (MemoryStatsInconsistency.UsableAboveAvailable, "usable above available"),
        (MemoryStatsInconsistency.UnusedAboveAvailable, "unused above available"),
        (MemoryStatsInconsistency.CounterWentBackwards, "counter went backwards"),
        (MemoryStatsInconsistency.DiskCachesAboveAvailable, "disk_caches above available"),
        (MemoryStatsInconsistency.LastUpdateInFuture, "last_update in the future"),
    ];

    public static string Formula(UsedMemoryFormula formula) => formula switch
    {
        UsedMemoryFormula.AvailableMinusUsable => "available - usable",
        UsedMemoryFormula.AvailableMinusUnusedMinusDiskCaches => "available - unused - disk_caches",
        UsedMemoryFormula.AvailableMinusUnused => "available - unused",
        UsedMemoryFormula.AvailableMinusUsableMinusBalloon => "available - usable - balloon",
        UsedMemoryFormula.AvailableMinusUnusedMinusDiskCachesMinusBalloon => "available - unused - disk_caches - balloon",
        _ => "available - unused - balloon",
    };

    public static IEnumerable<string> Inconsistencies(MemoryStatsInconsistency found) =>
        All.Where(one => (found & one.One) != 0).Select(one => one.Text);
}
