using System.Globalization;

namespace Ballast.Drivers;

/// <summary>What the drivers' URIs have in common: a parameter that nobody knows is refused, and how <c>timeout=</c> reads.</summary>
internal static class UriParameters
{
    // Longer than anybody waits, and short enough for every timer.
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromDays(1);

    /// <exception cref="LibvirtException">The URI has a parameter that is neither known nor ignored.</exception>
    public static void RefuseUnknown(this ConnectUri uri, ErrorOrigin origin, string[] known, string[]? ignored = null)
    {
        foreach ((string name, _) in uri.Parameters)
        {
            if (!known.Contains(name, StringComparer.OrdinalIgnoreCase) && ignored?.Contains(name, StringComparer.OrdinalIgnoreCase) != true)
            {
                throw Bad(origin, $"unknown parameter '{DisplayText.Escape(name)}' in {uri.Original}; known " +
                    (known.Length == 1 ? $"is {known[0]}" : $"are {string.Join(", ", known[..^1])} and {known[^1]}"));
            }
        }
    }

    /// <summary>The deadline that the URI names; null where it names none.</summary>
    /// <exception cref="LibvirtException">It is not a duration.</exception>
    public static TimeSpan? Timeout(this ConnectUri uri, ErrorOrigin origin)
    {
        if (uri.Parameter("timeout") is not { } text)
            return null;
        (string digits, double unit) =
            text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 0.001)
            : text.EndsWith('s') ? (text[..^1], 1)
            : (text, 1);
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
            && number * unit >= 0.001 && number * unit <= MaxTimeout.TotalSeconds
            ? TimeSpan.FromSeconds(number * unit)
            : throw Bad(origin, $"timeout '{DisplayText.Escape(text)}' in {uri.Original} is not a duration such as 2s or 500ms");
    }

    /// <summary>No longer than a timer can wait.</summary>
    public static TimeSpan Bounded(TimeSpan timeout) => timeout < MaxTimeout ? timeout : MaxTimeout;

    private static LibvirtException Bad(ErrorOrigin origin, string detail) => LibvirtError.Report(ErrorCode.InvalidArgument, origin, detail);
}
