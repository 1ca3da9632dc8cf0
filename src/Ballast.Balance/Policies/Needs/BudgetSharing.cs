namespace Ballast.Balance.Policies.Needs;

/// <summary>Shares a budget among guests by the ranks of what they need: sizes in MiB.</summary>
internal static class BudgetSharing
{
    /// <param name="budget">What there is.</param>
    /// <param name="isShort">The host is about to swap: what is left over stays with it.</param>
    /// <param name="needs">What each guest needs.</param>
    /// <returns>The size of each, in their order: at least its minimum, and no more in sum than the budget where the minima fit.</returns>
    public static double[] Share(double budget, bool isShort, GuestNeed[] needs)
    {
        double[] sizes = [.. needs.Select(need => need[NeedRank.Minimum])];
        double left = budget - Sizes.Sum(sizes, size => size);
        for (NeedRank rank = NeedRank.Held; rank <= NeedRank.Kept && left > 0; rank++)
        {
            double[] wants = [.. needs.Select(need => isShort ? Math.Min(need[rank], need.Least) : need[rank])];
            left = rank == NeedRank.Demand ? Meet(sizes, left, wants, needs) : Level(sizes, left, wants);
        }

        if (left <= 0 || isShort)
            return sizes;
        left = ShareWithSilent(sizes, left, needs);
        double forLeaps = BallastConstants.HandedOutForLeaps * left;
        double leaps = forLeaps - Fill(sizes, forLeaps, i => needs[i].SharesAbove is null ? needs[i].LeapSize : 0), more = Math.Max(0, (BallastConstants.HandedOut * left) - leaps);
        left += ShareByWeight(sizes, more, needs) - leaps - more;
        _ = Fill(sizes, BallastConstants.HandedOut * left, i => needs[i].NextPeak);
        return sizes;
    }

    /// <summary>
    /// Brings all to what they want, or as far as it goes: the smaller first, as if water rose. What is missing then is missing where it
    /// is the smallest share of what is used, and who claims more than it needs gains nothing by that.
    /// </summary>
    /// <returns>What is left.</returns>
    private static double Level(double[] sizes, double left, double[] wants)
    {
        double lacking = Lacking(sizes, wants);
        double level = lacking <= left ? double.PositiveInfinity : LevelOf(sizes, wants, left);
        for (int i = 0; i < sizes.Length; i++)
            sizes[i] = Math.Max(sizes[i], Math.Min(wants[i], level));
        return Math.Max(0, left - lacking);
    }

    private static double Lacking(double[] sizes, double[] wants)
    {
        double lacking = 0;
        for (int i = 0; i < sizes.Length; i++)
            lacking += Math.Max(0, wants[i] - sizes[i]);
        return lacking;
    }

    /// <summary>
    /// Brings all to their demand, or as many as it can where they would all be short by much otherwise: one guest that lacks half stalls
    /// for no longer than each of four that lack a quarter. Of the ways to share, it takes the one that does the least harm.
    /// </summary>
    /// <returns>What is left.</returns>
    private static double Meet(double[] sizes, double left, double[] wants, GuestNeed[] needs)
    {
        if (Lacking(sizes, wants) <= left)
            return Level(sizes, left, wants);
        double[][] ways =
        [
            Levelled(sizes, left, wants), MakeWhole(sizes, left, wants, needs, BallastConstants.HadCounts),
            MakeWhole(sizes, left, wants, needs, hadCounts: 0),
        ];
        ways.MinBy(way => Harm(way, wants, needs))!.CopyTo(sizes, 0);
        return 0;
    }

    /// <summary>
    /// Gives guests all that they want, one after the other: those first that take least, where what a guest has already counts in part,
    /// so that memory does not go to and fro among equals. If that counts for nothing, those that want least come first. The rest is
    /// shared by all.
    /// </summary>
    private static double[] MakeWhole(double[] least, double left, double[] wants, GuestNeed[] needs, double hadCounts)
    {
        double[] sizes = [.. least], effort = [.. wants.Select((want, i) => want - (hadCounts * Math.Min(want, needs[i].Size)))];
        int[] order = [.. Enumerable.Range(0, sizes.Length).OrderBy(i => effort[i])];
        foreach (int i in order)
        {
            double lack = wants[i] - sizes[i];
            if (lack <= 0 || lack > left)
                continue;
            sizes[i] = wants[i];
            left -= lack;
        }

        return Levelled(sizes, left, wants);
    }

    private static double[] Levelled(double[] least, double left, double[] wants)
    {
        double[] sizes = [.. least];
        _ = Level(sizes, left, wants);
        return sizes;
    }

    /// <summary>
    /// How long guests with these sizes stall, in sum: 1 for each that thrashes, and a share of that for what they have to give. Files do
    /// not count.
    /// </summary>
    private static double Harm(double[] sizes, double[] wants, GuestNeed[] needs)
    {
        double sum = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            double want = Math.Min(wants[i], needs[i].Least), had = Math.Min(want, needs[i].Size);
            sum += Stall(want - sizes[i]) + (BallastConstants.LossCounts * Stall(had - sizes[i]));

            double Stall(double lack) => lack > 0 ? Math.Min(1, lack / (BallastConstants.ThrashLack * want)) : 0;
        }

        return sum;
    }

    /// <returns>How high it rises with what is left, which is less than what they lack.</returns>
    private static double LevelOf(double[] sizes, double[] wants, double left)
    {
        // From its size on somebody takes part, until it has what it wants.
        (double At, int Change)[] ends =
        [
            .. Enumerable.Range(0, sizes.Length).Where(i => wants[i] > sizes[i]).SelectMany(i => new[] { (sizes[i], 1), (wants[i], -1) }).Order(),
        ];
        double level = ends[0].At;
        int rising = 0;
        foreach ((double at, int change) in ends)
        {
            if (left < rising * (at - level))
                break;
            left -= rising * (at - level);
            (level, rising) = (at, rising + change);
        }

        return rising > 0 ? level + (left / rising) : level;
    }

    /// <summary>Brings all to what they want, or as far as it goes: the same share of what each lacks.</summary>
    /// <returns>What is left.</returns>
    private static double Fill(double[] sizes, double left, Func<int, double> want)
    {
        double lacking = 0;
        for (int i = 0; i < sizes.Length; i++)
            lacking += Lack(i);
        double share = lacking <= left ? 1 : left / lacking;
        for (int i = 0; i < sizes.Length; i++)
            sizes[i] += share * Lack(i);
        return share < 1 ? 0 : left - lacking;

        double Lack(int i) => Math.Max(0, want(i) - sizes[i]);
    }

    /// <summary>
    /// Who does not report takes part before the others, as its wish cannot be seen later; what it has above its size when it was last
    /// heard is part of what is shared, so that it does not grow for ever. What it fills cannot be taken back. So, once it has room for a
    /// leap, it shares only what is left beyond the peaks of the others.
    /// </summary>
    /// <returns>What is left.</returns>
    private static double ShareWithSilent(double[] sizes, double left, GuestNeed[] needs)
    {
        double pool = left, peaks = 0, weights = Sizes.Sum(needs, need => need.Weight);
        for (int i = 0; i < sizes.Length; i++)
        {
            pool += needs[i].SharesAbove is { } above ? Math.Max(0, sizes[i] - above) : 0;
            peaks += Math.Max(0, needs[i].Peak - sizes[i]);
        }

        for (int i = 0; i < sizes.Length; i++)
        {
            if (needs[i].SharesAbove is not { } above || weights <= 0)
                continue;
            double share = needs[i].Weight / weights, most = above + (pool * share), beyondPeaks = above + (Math.Max(0, pool - peaks) * share);
            double size = Math.Max(beyondPeaks, Math.Min(most, needs[i].LeapSize));
            double part = Sizes.Clamp(Math.Min(size, needs[i].Maximum) - sizes[i], 0, left);
            sizes[i] += part;
            left -= part;
        }

        return left;
    }

    /// <summary>Shares in proportion to weights; what somebody has no room for goes to the others.</summary>
    /// <returns>What is left.</returns>
    private static double ShareByWeight(double[] sizes, double left, GuestNeed[] needs)
    {
        // Those come first who are full first.
        int[] order = [.. Enumerable.Range(0, sizes.Length).Where(i => needs[i].Weight > 0 && needs[i].SharesAbove is null)];
        double[] fullAt = [.. order.Select(i => (needs[i].Maximum - sizes[i]) / needs[i].Weight)];
        Array.Sort(fullAt, order);
        double weights = Sizes.Sum(order, i => needs[i].Weight);
        foreach (int i in order)
        {
            double part = Math.Min(needs[i].Maximum - sizes[i], left * Math.Min(1, needs[i].Weight / weights));
            weights -= needs[i].Weight;
            sizes[i] += Math.Max(0, part);
            left -= Math.Max(0, part);
        }

        return left;
    }
}
