namespace Ballast.Drivers.Test;

/// <summary>
/// Numbers that look random and are not: each is made from a guest's key, a channel and a time alone. Only operations
/// that give the same everywhere are used.
/// </summary>
internal readonly struct GuestNoise(ulong key)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private const int HalfSeconds = 32;

    public static GuestNoise Of(ulong seed, int index) => new(Mix(Mix(seed + Golden) + ((ulong)index * Golden)));

    /// <summary>A number of 64 bits.</summary>
    public ulong Bits(int channel) => Mix(key + ((ulong)channel * Golden));

    /// <summary>A number below <paramref name="limit"/>.</summary>
    public long Below(int channel, int limit) => (long)(Bits(channel) % (ulong)limit);

    /// <summary>A number from 0 to 1.</summary>
    public double Fraction(int channel) => Fraction(Bits(channel));

    /// <summary>A number from 0 to 1 that wanders: a new course every <paramref name="step"/> seconds.</summary>
    public double Wandering(int channel, long seconds, int step)
    {
        ulong lane = Bits(channel), turn = (ulong)(seconds / step);
        double from = Fraction(Mix(lane + (turn * Golden))), to = Fraction(Mix(lane + ((turn + 1) * Golden)));
        return from + ((to - from) * (seconds % step) / step);
    }

    /// <summary>A number from 0 to 1 that climbs for <paramref name="period"/> seconds and falls at once.</summary>
    public double Climbing(int channel, long seconds, int period) => (double)((seconds + Below(channel, period)) % period) / period;

    /// <summary>
    /// A count that grows by about <paramref name="perKilosecond"/> in 1000 seconds, now faster, now slower, never backwards.
    /// What is fast in one half of a minute is made good in the other: so the sum up to any second is known without its past.
    /// </summary>
    public ulong Counter(int channel, long seconds, ulong perKilosecond)
    {
        const int one = 256, swing = 192;
        ulong pair = (ulong)seconds / (2 * HalfSeconds), rest = (ulong)seconds % (2 * HalfSeconds);
        ulong first = one - swing + (Mix(Bits(channel) + (pair * Golden)) % ((2 * swing) + 1)), second = (2 * one) - first;
        ulong within = rest < HalfSeconds ? rest * first : (HalfSeconds * first) + ((rest - HalfSeconds) * second);
        return (ulong)((UInt128)((pair * 2 * HalfSeconds * one) + within) * perKilosecond / (1000 * one));
    }

    // The finalizer of the generator SplitMix64: each bit of the input changes half the bits of the output.
    public static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private static double Fraction(ulong bits) => (bits >> 11) * (1.0 / (1UL << 53));
}
