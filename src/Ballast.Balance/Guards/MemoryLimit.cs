using System.Globalization;

namespace Ballast.Balance.Guards;

/// <summary>A memory limit that the guests of a control group, and of the groups below it, share.</summary>
/// <param name="Group">
/// The path of the group where the limit is set: the same for all its guests, and longer for a group below it. Any name without a slash
/// stands for one guest's own group of unknown path.
/// </param>
/// <param name="Leaves">The memory, in MiB, that their balloons may have in all.</param>
public sealed record MemoryLimit(string Group, double Leaves)
{
    /// <summary>Whether it stands for limits that could not be read. Its guest may have what it has had.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>Why a guest grows no further than to a size, in MiB.</summary>
    internal string Explain(double size) => IsUnknown ? "The memory limits of its control groups could not be read, so it gets no more than it has had."
        : string.Create(CultureInfo.InvariantCulture, $"The memory limit of {(Group.StartsWith('/') ? $"control group {Group}" : "its own control group")} leaves it {Math.Floor(size):F0} MiB.");

    /// <summary>The limits of guests, each with all that share it; that of the narrowest group comes first.</summary>
    internal static IEnumerable<(MemoryLimit Limit, List<T> Members)> Share<T>(IEnumerable<T> guests, Func<T, IReadOnlyList<MemoryLimit>> limits)
    {
        Dictionary<string, (MemoryLimit Limit, List<T> Members)> groups = new(StringComparer.Ordinal);
        foreach (T guest in guests)
        {
            foreach (MemoryLimit limit in limits(guest))
            {
                if (!groups.TryGetValue(limit.Group, out (MemoryLimit Limit, List<T> Members) group) || !(group.Limit.Leaves <= limit.Leaves))
                    groups[limit.Group] = group = (limit, group.Members ?? []);
                group.Members.Add(guest);
            }
        }

        return groups.Values.OrderByDescending(group => group.Limit.Group.Length).ThenBy(group => group.Limit.Group, StringComparer.Ordinal);
    }
}
