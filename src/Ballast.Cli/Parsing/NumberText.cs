using System.Globalization;

namespace Ballast.Cli.Parsing;

/// <summary>Numbers as the C library and libvirt read them: white space in front is passed over, behind it is an error.</summary>
internal static class NumberText
{
    private const string WhiteSpace = " \t\n\v\f\r";

    /// <summary>A signed number of 32 bits in decimal, and nothing else behind it.</summary>
    public static bool TryReadInt(string text, out int number) =>
        int.TryParse(
            text.AsSpan().TrimStart(WhiteSpace), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    /// <summary>A signed number of 32 bits as C writes it: decimal, or hexadecimal behind <c>0x</c>, or octal behind <c>0</c>.</summary>
    public static bool TryReadCNumber(string text, out int number)
    {
        ReadOnlySpan<char> digits = text.AsSpan().TrimStart(WhiteSpace);
        bool isNegative = digits is ['-', ..];
        if (digits is ['-' or '+', ..])
            digits = digits[1..];
        bool isHexadecimal = digits is ['0', 'x' or 'X', _, ..], isOctal = !isHexadecimal && digits is ['0', _, ..];
        if (isHexadecimal)
            digits = digits[2..];
        long value = 0;
        number = 0;
        if (digits.IsEmpty)
            return false;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : int.MaxValue;
            int radix = isHexadecimal ? 16 : isOctal ? 8 : 10;
            if (digit >= radix || (value = (value * radix) + digit) > int.MaxValue)
                return false;
        }

        number = (int)(isNegative ? -value : value);
        return true;
    }

    /// <summary>The same of a number that is not negative.</summary>
    public static bool TryReadNumber(string text, out uint number)
    {
        // Not even of a zero.
        ReadOnlySpan<char> digits = text.AsSpan().TrimStart(WhiteSpace);
        number = 0;
        return digits is not ['-', ..] && uint.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>
    /// A number of bytes with an optional unit. One letter or letter + "iB" counts in powers of 1024, letter + "B" in
    /// powers of 1000, in any case. A failure that libvirt explains has a <paramref name="cause"/>.
    /// </summary>
    public static bool TryReadSize(string text, ulong defaultUnit, out ulong bytes, out string? cause, ulong max = ulong.MaxValue)
    {
        cause = null;
        bytes = 0;
        ReadOnlySpan<char> rest = text.AsSpan().TrimStart(WhiteSpace);
        if (rest.StartsWith('+'))
            rest = rest[1..];
        int digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0)
            digits = rest.Length;
        if (!ulong.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
            return false;

        ReadOnlySpan<char> suffix = rest[digits..];
        ulong unit = defaultUnit;
        if (!suffix.IsEmpty && !TryReadUnit(suffix, out unit))
        {
            cause = $"invalid argument: unknown suffix '{suffix}'";
            return false;
        }

        if (number != 0 && number > max / unit)
        {
            cause = $"numerical overflow: value too large: {text}";
            return false;
        }

        bytes = number * unit;
        return true;
    }

    /// <summary>
    /// Rounded up, in 64 bits as libvirt counts: the last 1,023 byte values wrap to 0, which every caller refuses.
    /// </summary>
    public static ulong ToKiB(ulong bytes) => unchecked(bytes + 1023) / 1024;

    private static bool TryReadUnit(ReadOnlySpan<char> suffix, out ulong unit)
    {
        unit = 1;
        if (Is(suffix, "b") || Is(suffix, "byte") || Is(suffix, "bytes"))
            return true;

        ReadOnlySpan<char> tail = suffix[1..];
        ulong power = tail.IsEmpty || Is(tail, "iB") ? 1024ul : Is(tail, "B") ? 1000ul : 0;
        int exponent = "kmgtpe".IndexOf(char.ToLowerInvariant(suffix[0])) + 1;
        if (power == 0 || exponent == 0)
            return false;
        for (; exponent > 0; exponent--)
            unit *= power;
        return true;
    }

    private static bool Is(ReadOnlySpan<char> text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
