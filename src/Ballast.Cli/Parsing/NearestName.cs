namespace Ballast.Cli.Parsing;

/// <summary>The name that somebody who mistyped one probably meant.</summary>
internal static class NearestName
{
    private const int ShortLength = 4;

    /// <summary>The nearest one that is near enough, or the only one that begins so; null where there is none.</summary>
    public static string? Among(IEnumerable<string> names, string typed)
    {
        int most = typed.Length <= ShortLength ? 1 : 2;
        string? best = null;
        int least = most + 1;
        List<string> longer = [];

        // One that is called just so has come since it was looked for.
        foreach (string name in names.Where(name => name != typed))
        {
            int distance = Distance(typed, name);
            if (distance < least)
                (best, least) = (name, distance);
            if (typed.Length > 1 && name.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
                longer.Add(name);
        }

        return best ?? (longer.Count == 1 ? longer[0] : null);
    }

    /// <summary>The error for a value that is none of the known ones.</summary>
    public static CommandException Unknown(string what, string typed, IReadOnlyList<string> known) =>
        new($"unknown {what} '{typed}'{(Among(known, typed) is { } near ? $", did you mean '{near}'?" : "")}", $"known are: {string.Join(", ", known)}");

    /// <summary>How many letters were left out, added, changed or swapped with their neighbours; capitals do not count.</summary>
    private static int Distance(string one, string other)
    {
        // Names are short; what is much longer than any is not near to one.
        const int longest = 100;
        if (Math.Max(one.Length, other.Length) > longest)
            return longest;
        int[,] cost = new int[one.Length + 1, other.Length + 1];
        for (int i = 0; i <= one.Length; i++)
        {
            for (int j = 0; j <= other.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                int change = cost[i - 1, j - 1] + (Same(one[i - 1], other[j - 1]) ? 0 : 1);
                cost[i, j] = Math.Min(change, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && Same(one[i - 1], other[j - 2]) && Same(one[i - 2], other[j - 1]))
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }

        return cost[one.Length, other.Length];
    }

    private static bool Same(char one, char other) => char.ToLowerInvariant(one) == char.ToLowerInvariant(other);
}
