namespace Ballast.Balance;

/// <summary>Arithmetic on sizes, in an order that is always the same: sums from left to right.</summary>
internal static class Sizes
{
    /// <summary>The low end counts where the ends are crossed.</summary>
    public static double Clamp(double size, double low, double high) => Math.Max(low, Math.Min(high, size));

    public static double Sum<T>(IEnumerable<T> items, Func<T, double> size)
    {
        double sum = 0;
        foreach (T item in items)
            sum += size(item);
        return sum;
    }
}
