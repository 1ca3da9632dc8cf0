namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The calls that do not return, in this process, and what is left out because of them.</summary>
internal static class HangingCalls
{
    /// <summary>So many things of one directory may hang at a time; then all of it is left out, until one returns.</summary>
    public const int MostOfDirectory = 4;

    /// <summary>
    /// The same of all that was named, of all paths that processes wrote, and of the memory of all processes: one keeps nobody from
    /// another. Things are counted, and of one directory no more than are left out there: one that is dead is never all of its kind.
    /// </summary>
    public const int MostOfKind = 12;

    // Of all looks. No call is waited for shorter than a file system takes that is only slow.
    private static readonly LateCalls All = new(most: 1, LateCalls.Longest / 2);

    /// <summary>How many there are just now.</summary>
    public static int Count => All.Count;

    /// <summary>What one of them is about; null where there is none.</summary>
    public static string? Any => All.Any;

    /// <summary>Whether something is left out, since a call that was about it has not returned, or too many about its like.</summary>
    public static bool LeavesOut(LookTarget target) => All.LeavesOut(target);

    /// <summary>Whether something is left out though no call about just that hangs; for messages.</summary>
    public static bool LeavesOutForOthers(string what)
    {
        LookTarget[] targets = Array.ConvertAll(Enum.GetValues<LookKind>(), kind => new LookTarget(kind, what));
        return !Array.Exists(targets, All.Has) && Array.Exists(targets, All.LeavesOut);
    }

    /// <summary>How long a call is waited for, once or twice.</summary>
    public static TimeSpan Patience(LookTarget target) => All.Patience(target);

    /// <summary>One more hangs, or one less. The pool is given a thread for the one that hangs.</summary>
    public static void Change(LookTarget target, int change)
    {
        All.Change(target, change);
        PoolMinimum.OfLooks.Change(change);
    }
}
