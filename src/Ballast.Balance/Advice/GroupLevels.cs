namespace Ballast.Balance.Advice;

/// <summary>A guest's control group and those above it, and the limits that are set there.</summary>
internal static class GroupLevels
{
    // No group is so deep; paths come from whoever answers.
    private const int MaxLevels = 64;

    /// <summary>The path of a guest's group and those of the groups above it, up to the root. Of one that nobody names, only it is known.</summary>
    public static IEnumerable<string> Of(Guid guest, string? path)
    {
        if (path is null)
        {
            yield return $"{guest}";
            yield break;
        }

        string level = "/" + path.Trim('/');
        for (int levels = 0; levels < MaxLevels; levels++)
        {
            yield return level;
            if (level.Length == 1)
                yield break;
            level = level[..Math.Max(1, level.LastIndexOf('/'))];
        }
    }

    /// <summary>
    /// The limits of one moment at which not all could be read, at the end of those that were known before: one that was read counts as it
    /// is now, and one that is set where none was read, as it was. What was held there then is no number of now.
    /// </summary>
    /// <param name="now">The first of the limits that were read.</param>
    /// <param name="levels">The groups that they are those of.</param>
    /// <param name="last">The first of those that were known before.</param>
    /// <param name="lastLevels">The groups that those were of.</param>
    public static MemoryGroupLimit? Merge(MemoryGroupLimit? now, string[] levels, MemoryGroupLimit? last, string[] lastLevels)
    {
        SortedDictionary<int, MemoryGroupLimit> merged = [];
        for (MemoryGroupLimit? limit = last; limit is not null; limit = limit.Next)
        {
            if (limit.Levels >= 0 && limit.Levels < lastLevels.Length && Array.IndexOf(levels, lastLevels[limit.Levels]) is >= 0 and var level)
                merged[level] = limit with { UnreclaimableKiB = null };
        }

        for (MemoryGroupLimit? limit = now; limit is not null; limit = limit.Next)
            merged[limit.Levels] = limit;
        MemoryGroupLimit? nearest = null;
        foreach ((int level, MemoryGroupLimit limit) in merged.Reverse())
            nearest = limit with { Levels = level, Next = nearest };
        return nearest;
    }
}
