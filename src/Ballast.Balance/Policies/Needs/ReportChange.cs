namespace Ballast.Balance.Policies.Needs;

/// <summary>What happened between two reports of a guest.</summary>
/// <param name="Seconds">The time between them, more than 0.</param>
/// <param name="SwappedIn">Read from the guest's swap, in MiB.</param>
/// <param name="SwappedOut">Written to it.</param>
/// <param name="MajorFaults">Faults that had to read from a disk.</param>
/// <param name="CacheGrowth">What its caches grew by, in MiB.</param>
/// <param name="UseGrowth">What it used more, in MiB; 0 where it was less.</param>
internal readonly record struct ReportChange(
    double Seconds, double SwappedIn, double SwappedOut, double MajorFaults, double CacheGrowth, double UseGrowth)
{
    /// <summary>Its swap stands still.</summary>
    public bool IsSwapQuiet => SwappedIn + SwappedOut <= BallastConstants.QuietSwapRate * Seconds;

    /// <summary>It reads from its swap, and does not use more for it.</summary>
    public bool ReadsAgain => SwappedIn > BallastConstants.SwapLeast + (BallastConstants.SwapFactor * UseGrowth);

    /// <summary>It swaps so much that something must be short.</summary>
    public bool Swaps => ReadsAgain || SwappedOut > BallastConstants.SwapLeast;

    /// <summary>It reads files that it had read before; its swap stands still, so that the faults are none of that.</summary>
    public bool RereadsFiles => IsSwapQuiet && MajorFaults > BallastConstants.RereadRate * Seconds;

    /// <summary>Its caches are filling.</summary>
    public bool FillsCache => CacheGrowth >= BallastConstants.FillRate * Seconds;

    /// <summary>Null where the counters went backwards: the guest began anew.</summary>
    public static ReportChange? Between(GuestReport before, GuestReport after, double useGrowth)
    {
        ReportChange change = new(
            after.Time - before.Time, after.SwapIn - before.SwapIn, after.SwapOut - before.SwapOut, after.MajorFaults - before.MajorFaults,
            after.DiskCaches - before.DiskCaches, Math.Max(0, useGrowth));
        return change.SwappedIn < 0 || change.SwappedOut < 0 || change.MajorFaults < 0 ? null : change;
    }
}
