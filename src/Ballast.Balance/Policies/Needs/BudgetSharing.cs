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
            left = Fill(sizes, left, i => isShort ? Math.Min(needs[i][rank], needs[i].Least) : needs[i][rank]);
        if (left <= 0 || isShort)
            return sizes;
        left = ShareWithSilent(sizes, left, needs);
        double handedOut = BallastConstants.HandedOut * left;
        left -= handedOut;
        handedOut = Fill(sizes, handedOut, i => needs[i].LeapSize);
        left += ShareByWeight(sizes, handedOut, needs);
        _ = Fill(sizes, BallastConstants.HandedOut * left, i => needs[i].Peak);
        return sizes;
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
    /// heard is part of what is shared, so that it does not grow for ever.
    /// </summary>
    /// <returns>What is left.</returns>
    private static double ShareWithSilent(double[] sizes, double left, GuestNeed[] needs)
    {
        double pool = left, weights = Sizes.Sum(needs, need => need.Weight);
        for (int i = 0; i < sizes.Length; i++)
            pool += needs[i].SharesAbove is { } above ? Math.Max(0, sizes[i] - above) : 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (needs[i].SharesAbove is not { } above || weights <= 0)
                continue;
            double part = Math.Min(above + (pool * (needs[i].Weight / weights)), needs[i].Maximum) - sizes[i];
            part = Sizes.Clamp(part, 0, left);
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
