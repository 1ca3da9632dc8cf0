namespace Ballast.Benchmarks;

/// <summary>One side of a comparison, with what it took in each round.</summary>
internal sealed record Samples(string Name, double[] Values)
{
    public double Median => MedianOf(Values);

    public double Smallest => Values.Min();

    public double Largest => Values.Max();

    /// <summary>
    /// How often this is the other, judged round by round: what disturbs the machine for longer than a round disturbs
    /// both sides of it.
    /// </summary>
    public (double Median, double Smallest, double Largest) RatioTo(Samples other)
    {
        double[] ratios = [.. Values.Zip(other.Values, (mine, theirs) => mine / theirs)];
        return (MedianOf(ratios), ratios.Min(), ratios.Max());
    }

    public static double MedianOf(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
