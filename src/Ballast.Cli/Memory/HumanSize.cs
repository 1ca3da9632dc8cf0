using System.Globalization;

namespace Ballast.Cli.Memory;

/// <summary>How a table shows memory.</summary>
internal enum SizeUnit
{
    /// <summary>Two or three digits and a letter: powers of 1024.</summary>
    Human,
    KiB,
    Bytes,
}

/// <summary>Sizes for people, in few columns.</summary>
internal static class HumanSize
{
    public const string Unknown = "-";

    public static string Of(ulong? kib, SizeUnit unit) => (kib, unit) switch
    {
        (null, _) => Unknown,
        ({ } size, SizeUnit.KiB) => size.ToString(CultureInfo.InvariantCulture),
        ({ } size, SizeUnit.Bytes) => ((UInt128)size * 1024).ToString(CultureInfo.InvariantCulture),
        ({ } size, _) => Short(size),
    };

    /// <summary>A number for each second.</summary>
    public static string Rate(double? perSecond) => perSecond switch
    {
        null => Unknown,
        < 0.05 => "0",
        < 9.95 => perSecond.Value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => perSecond.Value.ToString("0", CultureInfo.InvariantCulture),
    };

    /// <summary>The same of memory.</summary>
    public static string SizeRate(double? kib, SizeUnit unit) =>
        unit == SizeUnit.Human && kib >= 1 ? Of((ulong)kib, unit) : Rate(unit == SizeUnit.Bytes ? kib * 1024 : kib);

    /// <summary>How long ago something was, in at most four columns where it is less than ten thousand days.</summary>
    public static string Age(TimeSpan? age) => age switch
    {
        null => Unknown,
        { TotalSeconds: < 99.5 } time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0}s"),
        { TotalMinutes: < 99.5 } time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0}m"),
        { TotalHours: < 99.5 } time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0}h"),
        { } time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:0}d"),
    };

    private static string Short(ulong kib)
    {
        double size = kib;
        string units = "KMGTPEZ";
        int unit = 0;

        // What would be shown as 1000 and more is one of the next unit.
        for (; size >= 999.5 && unit < units.Length - 1; unit++)
            size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{size.ToString(size < 9.95 && unit > 0 ? "0.0" : "0", CultureInfo.InvariantCulture)}{units[unit]}");
    }
}
