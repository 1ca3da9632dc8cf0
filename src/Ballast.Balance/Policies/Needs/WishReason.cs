using System.Globalization;

namespace Ballast.Balance.Policies.Needs;

/// <summary>Why a size is wished, in a sentence for people.</summary>
internal static class WishReason
{
    private const double Largest = 1e15;

    public static string Of(GuestNeed need, double target)
    {
        string needed = Size(need[NeedRank.Demand]);
        string what = need.Kind switch
        {
            NeedKind.Unmoved => $"Its balloon does not follow, so it counts with {Size(need[NeedRank.Held])}",
            NeedKind.NeverReported => $"It reports nothing, and the host holds {Size(need[NeedRank.Held])} of it",
            NeedKind.Silent => string.Create(CultureInfo.InvariantCulture, $"Its last report is {need.Age:F0} s old, and the host holds {Size(need[NeedRank.Held])} of it"),
            NeedKind.Inconsistent => $"Its report contradicts itself, and the host holds {Size(need[NeedRank.Held])} of it",
            NeedKind.Distrusted => $"It swaps while it says that memory is usable, so it counts with {needed}",
            NeedKind.Thrashing => $"It reads the same from its swap again and again, so it needs more than {needed}",
            NeedKind.Rereading => $"It needs {needed}, and {Size(need[NeedRank.Cache])} with the files that it reads again",
            NeedKind.Growing => $"It needs {needed}, and will need {Size(need[NeedRank.Growth])} soon",
            _ => $"It needs {needed}",
        };
        return need.Kind == NeedKind.Unmoved ? what + "." : what + Rest(need, target);
    }

    private static string Rest(GuestNeed need, double target)
    {
        const double Little = 1;
        double beyond = target - need[NeedRank.Kept];
        return beyond > Little ? $"; {Size(beyond)} more is its part of what is left."
            : target < need[NeedRank.Demand] - Little ? "; what guests may share does not suffice for that."
            : beyond < -Little ? "; others' demand comes before the rest."
            : ".";
    }

    // A whole number is written many times faster than a rounded one, and a round has thousands.
    private static string Size(double size) => size < Largest
        ? string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Round(size, MidpointRounding.AwayFromZero)} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{size:F0} MiB");
}
