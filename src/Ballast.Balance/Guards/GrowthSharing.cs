namespace Ballast.Balance.Guards;

/// <summary>Shares what is free for good among those who are to grow, in proportion to what they lack.</summary>
internal static class GrowthSharing
{
    /// <param name="wishes">All guests; those that lack something are granted growth.</param>
    /// <param name="budget">What all guests share, in MiB.</param>
    /// <param name="least">The least growth, in MiB, that is worth being granted: what is left is not scattered into smaller parts.</param>
    public static void Share(GuardedWish[] wishes, double budget, double least)
    {
        // A part that a narrow group's limit allows may yet be too much for a wider one, or for the host.
        foreach ((MemoryLimit limit, List<GuardedWish> members) in MemoryLimit.Share(wishes, wish => wish.Limits))
            Share(members, limit.Leaves, least, limit);
        Share(wishes, budget, least, limit: null);
        foreach (GuardedWish wish in wishes)
        {
            if (wish.Lack is not null)
                wish.GrantGrowth();
        }
    }

    private static void Share(IReadOnlyCollection<GuardedWish> wishes, double most, double least, MemoryLimit? limit)
    {
        // Of a budget that nobody knows, nothing is free.
        double room = Sizes.Max(0, most - Sizes.Sum(wishes, wish => wish.Counted)), lacking = Sizes.Sum(wishes, wish => wish.Granted);
        if (room >= lacking)
            return;
        List<GuardedWish> growing = [.. wishes.Where(wish => wish.Lack is not null)];
        if (least > 0)
            growing = [.. growing.OrderByDescending(wish => wish.Granted)];
        while (least > 0 && growing.Count > 1 && growing[^1].Granted * (room / lacking) < least)
        {
            // Where there is as much for each, who lacks little gets as much, too.
            double part = growing[^1].Granted < least || room < growing.Count * least ? 0 : least;
            (room, lacking) = (room - part, lacking - growing[^1].Granted);
            growing[^1].Cut(part, limit);
            growing.RemoveAt(growing.Count - 1);
        }

        if (room >= lacking)
            return;
        foreach (GuardedWish wish in growing)
            wish.Cut(wish.Granted * (room / lacking), limit);
    }
}
