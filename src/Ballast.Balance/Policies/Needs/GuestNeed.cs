namespace Ballast.Balance.Policies.Needs;

/// <summary>The ranks in which memory is given: nobody gets any for one before all have theirs for the one before.</summary>
internal enum NeedRank
{
    /// <summary>What it is to be left in any case.</summary>
    Minimum,

    /// <summary>What the host holds of it and nobody can vouch for, or its balloon does not give.</summary>
    Held,

    /// <summary>What it uses, what lies in its swap, and few files.</summary>
    Demand,

    /// <summary>What it will use until the next decision.</summary>
    Growth,

    /// <summary>The files that it reads again.</summary>
    Cache,

    /// <summary>What it has, where nobody knows what it needs.</summary>
    Kept,
}

/// <summary>Why a guest needs what it needs.</summary>
internal enum NeedKind
{
    Reported,
    Growing,
    Rereading,
    Thrashing,
    Distrusted,
    NeverReported,
    Silent,
    Inconsistent,
    Unmoved,
}

/// <summary>What a guest needs: the sizes in MiB that its balloon is to have, by rank, each at least the one before.</summary>
internal sealed class GuestNeed
{
    public const int Ranks = (int)NeedRank.Kept + 1;

    private readonly double[] _sizes = new double[Ranks];
    private readonly double _maximum;

    public GuestNeed(GuestState guest)
    {
        (_maximum, Size) = (Math.Max(0, guest.Maximum), guest.Balloon);
        Array.Fill(_sizes, Sizes.Clamp(guest.Minimum, 0, _maximum));
    }

    public double Maximum => _maximum;

    /// <summary>What it has now.</summary>
    public double Size { get; }

    /// <summary>No more is wished than this, whatever it counts for.</summary>
    public double MostWished { get; set; } = double.PositiveInfinity;

    /// <summary>What it is left while the host is about to swap: what it uses, without files.</summary>
    public double Least { get; set; } = double.PositiveInfinity;

    /// <summary>Its part in what is left over, beside those of the others.</summary>
    public double Weight { get; set; }

    /// <summary>What it needs, by its last report: its need leaps from there.</summary>
    public double Known { get; set; }

    /// <summary>What it needed at its last peaks; 0 where that counts for nothing.</summary>
    public double Peak { get; set; }

    /// <summary>What it may need at the next.</summary>
    public double NextPeak => Math.Min(_maximum, BallastConstants.PeakMargin * Peak);

    /// <summary>It has come back to the same peak again and again: it leaps to the next, and no further.</summary>
    public bool RepeatsPeak { get; set; }

    /// <summary>
    /// Of a guest that does not report and fills what it has: its size when it was last heard, above which it takes part in what is
    /// left over. Null for the others, who take part above what they need.
    /// </summary>
    public double? SharesAbove { get; set; }

    /// <summary>What it would need if its need leapt: caches that it has may go for that. 0 where it has no part in what is left.</summary>
    public double LeapSize => Known > 0 && RepeatsPeak ? NextPeak : Math.Min(_maximum, BallastConstants.Leap * Known);

    public NeedKind Kind { get; set; }

    /// <summary>How old its report is, in seconds.</summary>
    public double Age { get; set; }

    public double this[NeedRank rank] => _sizes[(int)rank];

    /// <summary>Raises what it needs at a rank, and at all that come after.</summary>
    public void Raise(NeedRank rank, double size)
    {
        double bounded = Math.Min(size, _maximum);
        for (int i = (int)rank; i < Ranks; i++)
            _sizes[i] = Math.Max(_sizes[i], bounded);
    }

    /// <summary>A size that it has whatever others need, and no part in what is left over.</summary>
    public void Fix(double size)
    {
        MostWished = Math.Max(_sizes[^1], _sizes[0]);
        double bounded = Math.Min(size, _maximum);
        for (int i = (int)NeedRank.Held; i < Ranks; i++)
            _sizes[i] = Math.Max(_sizes[0], bounded);
        (Kind, Least, Weight, Known, Peak, RepeatsPeak, SharesAbove) = (NeedKind.Unmoved, double.PositiveInfinity, 0, 0, 0, false, null);
    }
}
