namespace Ballast.Balance;

/// <summary>Arithmetic on sizes, in an order that is always the same: sums from left to right.</summary>
internal static class Sizes
{
    // Without what Math.Min and Math.Max do about NaN and signed zeros: a simulation calls these more than anything else.
    public static double Min(double one, double other) => other < one ? other : one;

    public static double Max(double one, double other) => other > one ? other : one;

    /// <summary>The low end counts where the ends are crossed.</summary>
    public static double Clamp(double size, double low, double high) => Max(low, Min(high, size));

    /// <summary>Whether it can be the size of anything: numbers of guests and hosts may be any.</summary>
    public static bool IsSize(double size) => size >= 0 && double.IsFinite(size);

    public static double Sum<T>(IEnumerable<T> items, Func<T, double> size)
    {
        double sum = 0;
        foreach (T item in items)
            sum += size(item);
        return sum;
    }
}
