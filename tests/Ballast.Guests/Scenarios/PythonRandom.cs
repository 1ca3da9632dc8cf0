namespace Ballast.Guests.Scenarios;

/// <summary>The random numbers of Python 3.11 (its module <c>random</c>): the Mersenne Twister, MT19937, by its published definition.</summary>
internal sealed class PythonRandom
{
    private const int Size = 624, Shift = 397;

    private readonly uint[] _state = new uint[Size];
    private int _place = Size;
    private double? _nextGauss;

    /// <param name="seed">The seed, as an integer of Python's.</param>
    public PythonRandom(uint seed)
    {
        Fill(19_650_218);
        int i = 1;
        for (int k = Size; k > 0; k--)
        {
            // The seed is a key of one word.
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1_664_525)) + seed;
            i = Next(i);
        }

        for (int k = Size - 1; k > 0; k--)
        {
            _state[i] = (_state[i] ^ ((_state[i - 1] ^ (_state[i - 1] >> 30)) * 1_566_083_941)) - (uint)i;
            i = Next(i);
        }

        _state[0] = 0x8000_0000;
    }

    /// <summary>At least 0 and less than 1.</summary>
    public double Random()
    {
        uint high = Word() >> 5, low = Word() >> 6;
        return ((high * 67_108_864.0) + low) / 9_007_199_254_740_992.0;
    }

    public double Uniform(double least, double most) => least + ((most - least) * Random());

    /// <summary>A whole number, at least <paramref name="start"/> and less than <paramref name="stop"/>.</summary>
    public int Range(int start, int stop) => start + Below(stop - start);

    public T Choice<T>(params ReadOnlySpan<T> some) => some[Below(some.Length)];

    public double Gauss(double mean, double deviation)
    {
        double gauss;
        if (_nextGauss is { } next)
        {
            (gauss, _nextGauss) = (next, null);
        }
        else
        {
            double angle = Random() * (2 * Math.PI), radius = Math.Sqrt(-2.0 * Math.Log(1.0 - Random()));
            (gauss, _nextGauss) = (Math.Cos(angle) * radius, Math.Sin(angle) * radius);
        }

        return mean + (gauss * deviation);
    }

    // After the last place comes the second: the first is the last's again.
    private int Next(int i)
    {
        if (i + 1 < Size)
            return i + 1;
        _state[0] = _state[Size - 1];
        return 1;
    }

    private int Below(int count)
    {
        int bits = 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)count);
        uint number = Word() >> (32 - bits);
        while (number >= count)
            number = Word() >> (32 - bits);
        return (int)number;
    }

    private void Fill(uint seed)
    {
        _state[0] = seed;
        for (int i = 1; i < Size; i++)
            _state[i] = (1_812_433_253 * (_state[i - 1] ^ (_state[i - 1] >> 30))) + (uint)i;
    }

    private uint Word()
    {
        if (_place >= Size)
            Twist();
        uint word = _state[_place++];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        return word ^ (word >> 18);
    }

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint both = (_state[i] & 0x8000_0000) | (_state[(i + 1) % Size] & 0x7FFF_FFFF);
            _state[i] = _state[(i + Shift) % Size] ^ (both >> 1) ^ ((both & 1) == 0 ? 0 : 0x9908_B0DF);
        }

        _place = 0;
    }
}
