using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Sizes as QEMU reads them: decimal with a fraction, or hexadecimal, and one letter for the unit.</summary>
internal static class OptionSize
{
    private const ulong Mebi = 1024 * 1024;

    /// <summary>What QEMU rounds a guest's memory up to, in bytes.</summary>
    private const ulong Granule = 8192;

    // A fraction's further digits change no size by a byte.
    private const int MaxFractionDigits = 32;

    /// <summary>The KiB that a guest gets from <c>-m</c>; null for what QEMU refuses, and for 0: then it takes a default.</summary>
    public static ulong? MemoryKiB(string? size)
    {
        // The option must be a size in bytes first ("64.5" is not); then one that ends in a digit is taken for MiB,
        // so that 0x40 is 64 MiB but 0x4f is 79 bytes.
        if (string.IsNullOrEmpty(size) || Parse(size, 1) is null)
            return null;
        return RoundToKiB(Parse(size, char.IsAsciiDigit(size[^1]) ? Mebi : 1));
    }

    /// <summary>The KiB of a size whose default unit is the byte, as those of machines and of memory back ends are.</summary>
    public static ulong? KiB(string? size) => size is null ? null : RoundToKiB(Parse(size, 1));

    /// <summary>The size in bytes; null for what QEMU refuses.</summary>
    /// <param name="text">The size.</param>
    /// <param name="defaultUnit">The bytes that 1 stands for where no unit is given.</param>
    internal static ulong? Parse(string text, ulong defaultUnit)
    {
        ReadOnlySpan<char> rest = text.AsSpan().TrimStart(" \t\n\v\f\r");
        if (rest is ['+', ..])
            rest = rest[1..];
        double fraction = 0;
        ulong number;
        if (rest is ['0', 'x' or 'X', ..])
        {
            rest = rest[2..];
            if (!ulong.TryParse(Take(ref rest, char.IsAsciiHexDigit), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number))
                return null;
        }
        else
        {
            ReadOnlySpan<char> digits = Take(ref rest, char.IsAsciiDigit);
            // QEMU 7.2 refuses .5G, others do not: where one runs, it took it.
            if (digits.IsEmpty && rest is ['.', >= '0' and <= '9', ..])
                digits = "0";
            if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number))
                return null;
            if (rest is ['.', ..])
            {
                rest = rest[1..];
                fraction = Fraction(Take(ref rest, char.IsAsciiDigit));
            }
        }

        ulong? unit = rest switch
        {
            [] => defaultUnit,
            [char letter] => Unit(letter),
            _ => null,
        };
        if (unit is not { } bytes || (fraction > 0 && bytes == 1))
            return null;
        UInt128 total = ((UInt128)number * bytes) + (ulong)(fraction * bytes);
        return total <= ulong.MaxValue ? (ulong)total : null;
    }

    private static ulong? Unit(char letter) => (char)(letter | ' ') switch
    {
        'b' => 1,
        'k' => 1UL << 10,
        'm' => 1UL << 20,
        'g' => 1UL << 30,
        't' => 1UL << 40,
        'p' => 1UL << 50,
        'e' => 1UL << 60,
        _ => null,
    };

    private static double Fraction(ReadOnlySpan<char> digits)
    {
        double value = 0, weight = 1;
        foreach (char digit in digits[..Math.Min(digits.Length, MaxFractionDigits)])
            value += (digit - '0') * (weight /= 10);
        return value;
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, Func<char, bool> belongs)
    {
        int length = 0;
        while (length < rest.Length && belongs(rest[length]))
            length++;
        ReadOnlySpan<char> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private static ulong? RoundToKiB(ulong? bytes) => bytes switch
    {
        null or 0 or > long.MaxValue => null,
        { } size => (size + Granule - 1) / Granule * Granule / 1024,
    };
}
