using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Whole numbers as QEMU reads them: decimal, hexadecimal behind 0x, octal behind a zero.</summary>
internal static class OptionNumber
{
    private const int Octal = 8;
    private const int ModeDigits = 4;
    private const ulong MostMode = 0xfff;

    /// <summary>The number; null for what is none, for a negative one and for one of more than 64 bits.</summary>
    public static ulong? Parse(string? text)
    {
        ReadOnlySpan<char> digits = text.AsSpan().TrimStart(" \t\n\v\f\r");
        if (digits is ['+', ..])
            digits = digits[1..];
        ulong number;
        if (digits is ['0', 'x' or 'X', ..])
            return ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) ? number : null;
        if (digits is not ['0', _, ..])
            return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number) ? number : null;
        number = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || number > ulong.MaxValue / Octal)
                return null;
            number = (number * Octal) + (ulong)(digit - '0');
        }

        return number;
    }

    /// <summary>A file's mode, as libvirt writes it; null where it is none.</summary>
    public static string? FileMode(string? text) =>
        Parse(text) is <= MostMode and var mode ? Convert.ToString((int)mode, Octal).PadLeft(ModeDigits, '0') : null;

    /// <summary>The number in decimal digits, as libvirt wants it; what is no number stays as it is.</summary>
    public static string? Decimal(string? text) => Parse(text)?.ToString(CultureInfo.InvariantCulture) ?? text;
}
