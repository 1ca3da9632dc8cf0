using System.Collections.Concurrent;

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

    // One call may take so long to twice as long: a usual look with all its calls takes some milliseconds. The more of its directory do
    // not return, the shorter another one is waited for, so that many cost whoever waits hardly more than a few. What hangs elsewhere
    // makes it shorter too, but no shorter than a file system takes that is only slow.
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(200), ShortestOfKind = Longest / 2, ShortestOfDirectory = Longest / 8;

    private static readonly ConcurrentDictionary<LookTarget, int> Calls = new();

    // Of how many things, not of how many calls: many may hang in one thing, who began side by side.
    private static readonly ConcurrentDictionary<string, int> Directories = new();
    private static readonly int[] Kinds = new int[Enum.GetValues<LookKind>().Length];
    private static readonly Lock Counting = new();
    private static volatile int _count;

    /// <summary>How many there are just now.</summary>
    public static int Count => _count;

    /// <summary>What one of them is about; null where there is none.</summary>
    public static string? Any => Calls.Keys.FirstOrDefault().What;

    /// <summary>Whether something is left out, since a call that was about it has not returned, or too many about its like.</summary>
    public static bool LeavesOut(LookTarget target) => _count > 0 && IsLeftOut(target.Whole);

    /// <summary>Whether something is left out though no call about just that hangs; for messages.</summary>
    public static bool LeavesOutForOthers(string what)
    {
        LookTarget[] targets = Array.ConvertAll(Enum.GetValues<LookKind>(), kind => new LookTarget(kind, what).Whole);
        return !Array.Exists(targets, Calls.ContainsKey) && Array.Exists(targets, IsLeftOut);
    }

    /// <summary>How long a call is waited for, once or twice.</summary>
    public static TimeSpan Patience(LookTarget target)
    {
        if (_count == 0 || target.Whole is not { Kind: not LookKind.Kernel } whole)
            return Longest;
        TimeSpan ofKind = Shorter(Volatile.Read(ref Kinds[(int)whole.Kind]), ShortestOfKind);
        return whole.Directory is { } directory && Shorter(Directories.GetValueOrDefault(directory), ShortestOfDirectory) is var own && own < ofKind
            ? own
            : ofKind;
    }

    /// <summary>One more hangs, or one less. The pool is given a thread for the one that hangs.</summary>
    public static void Change(LookTarget target, int change)
    {
        LookTarget whole = target.Whole;
        lock (Counting)
        {
            // Each call by itself: two looks may hang in the same, and the first that returns says nothing of the other.
            (int before, int after) = Change(Calls, whole, change);
            if (before == 0 || after == 0)
                ChangeThings(whole, change);
            _count += change;
        }

        PoolMinimum.OfLooks.Change(change);
    }

    private static void ChangeThings(LookTarget whole, int change)
    {
        if (whole.Directory is { } directory)
        {
            (int before, int after) = Change(Directories, directory, change);
            change = Math.Min(after, MostOfDirectory) - Math.Min(before, MostOfDirectory);
        }

        Kinds[(int)whole.Kind] += change;
    }

    private static (int Before, int After) Change<T>(ConcurrentDictionary<T, int> counts, T key, int change)
        where T : notnull
    {
        int before = counts.GetValueOrDefault(key), after = before + change;
        if (after > 0)
            counts[key] = after;
        else
            _ = counts.TryRemove(key, out _);
        return (before, after);
    }

    private static bool IsLeftOut(LookTarget whole) => Calls.ContainsKey(whole)
        || (whole.Directory is { } directory && Directories.GetValueOrDefault(directory) >= MostOfDirectory)
        || (whole.Kind != LookKind.Kernel && Volatile.Read(ref Kinds[(int)whole.Kind]) >= MostOfKind);

    private static TimeSpan Shorter(int hanging, TimeSpan shortest) => Longest / (1 + hanging) is var shorter && shorter > shortest ? shorter : shortest;
}
