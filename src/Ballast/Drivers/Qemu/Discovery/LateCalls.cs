using System.Collections.Concurrent;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Calls that are late: of all looks those that have not returned yet; of one look all that were, as what returns late is late again.</summary>
/// <param name="most">So many about one thing leave it out.</param>
/// <param name="shortest">A call is waited for so long at least, however many are late that have to do with it only by their kind.</param>
internal sealed class LateCalls(int most, TimeSpan shortest)
{
    /// <summary>
    /// One call may take so long to twice as long: a usual look with all its calls takes some milliseconds. The more of its directory
    /// are late, the shorter another one is waited for, so that many cost whoever waits hardly more than a few. What is late elsewhere
    /// makes it shorter too.
    /// </summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(200);

    /// <summary>The shortest wait; also for what was late as often as leaves it out.</summary>
    public static readonly TimeSpan Shortest = Longest / 8;

    private readonly ConcurrentDictionary<LookTarget, int> _calls = new();

    // Of how many things, not of how many calls: many may hang in one thing, who began side by side.
    private readonly ConcurrentDictionary<string, int> _directories = new();
    private readonly int[] _kinds = new int[LookTarget.Kinds];
    private readonly Lock _counting = new();
    private volatile int _count;

    /// <summary>How many there are.</summary>
    public int Count => _count;

    /// <summary>What one of them is about; null where there is none.</summary>
    public string? Any => _calls.Keys.FirstOrDefault().What;

    /// <summary>Whether something is left out, since calls that were about it are late, or too many about its like.</summary>
    public bool LeavesOut(LookTarget target) => _count > 0 && IsLeftOut(target.Whole);

    /// <summary>Whether a call about just that is among them.</summary>
    public bool Has(LookTarget target) => _calls.ContainsKey(target.Whole);

    /// <summary>How long a call is waited for, once or twice.</summary>
    public TimeSpan Patience(LookTarget target)
    {
        if (_count == 0 || target.Whole is not { Kind: not LookKind.Kernel } whole)
            return Longest;

        // What was late once shall not be late again only because it is waited for less: it makes itself no shorter.
        int late = _calls.GetValueOrDefault(whole), self = late > 0 ? 1 : 0;
        if (late >= most)
            return Shortest;
        TimeSpan ofKind = Shorter(Volatile.Read(ref _kinds[(int)whole.Kind]) - self, shortest);
        return whole.Directory is { } directory && Shorter(_directories.GetValueOrDefault(directory) - self, Shortest) is var own && own < ofKind
            ? own
            : ofKind;
    }

    /// <summary>One more, or one less.</summary>
    public void Change(LookTarget target, int change)
    {
        LookTarget whole = target.Whole;
        lock (_counting)
        {
            // Each call by itself: two looks may hang in the same, and the first that returns says nothing of the other.
            (int before, int after) = Change(_calls, whole, change);
            if (before == 0 || after == 0)
                ChangeThings(whole, change);
            _count += change;
        }
    }

    private void ChangeThings(LookTarget whole, int change)
    {
        if (whole.Directory is { } directory)
        {
            (int before, int after) = Change(_directories, directory, change);
            change = Math.Min(after, HangingCalls.MostOfDirectory) - Math.Min(before, HangingCalls.MostOfDirectory);
        }

        _kinds[(int)whole.Kind] += change;
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

    private bool IsLeftOut(LookTarget whole) => _calls.GetValueOrDefault(whole) >= most
        || (whole.Directory is { } directory && _directories.GetValueOrDefault(directory) >= HangingCalls.MostOfDirectory)
        || (whole.Kind != LookKind.Kernel && Volatile.Read(ref _kinds[(int)whole.Kind]) >= HangingCalls.MostOfKind);

    // Others may return meanwhile, so that none is left of those that were counted.
    private static TimeSpan Shorter(int late, TimeSpan least) => Longest / (1 + Math.Max(late, 0)) is var shorter && shorter > least ? shorter : least;
}
