using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Watch;

/// <summary>What somebody waits for: a quantity of a guest above or below a limit.</summary>
internal sealed class WatchCondition
{
    private const string Age = "age";

    private static readonly Quantity[] Quantities =
    [
        new("used", line => OfGuest(line, line.Stats.Used?.KiB), Measure.Size),
        new("usable", line => OfGuest(line, line.Stats.UsableKiB), Measure.Size),
        new("unused", line => OfGuest(line, line.Stats.UnusedKiB), Measure.Size),
        new("cache", line => OfGuest(line, line.Stats.DiskCachesKiB), Measure.Size),
        new("balloon", line => line.Stats.ActualKiB, Measure.Size),
        new("resident", line => line.Stats.RssKiB, Measure.Size),
        new("swap", line => line.Rates?.SwapKiB, Measure.SizeRate),
        new("swap-in", line => line.Rates?.SwapInKiB, Measure.SizeRate),
        new("swap-out", line => line.Rates?.SwapOutKiB, Measure.SizeRate),
        new("faults", line => line.Rates?.MajorFaults, Measure.Number),
        new(Age, _ => null, Measure.Number),
    ];

    private readonly string _text;
    private readonly Quantity _quantity;
    private readonly bool _isAbove, _takesEqual, _isShare;
    private readonly double _limit;

    private WatchCondition(string text, Quantity quantity, bool isAbove, bool takesEqual, double limit, bool isShare) =>
        (_text, _quantity, _isAbove, _takesEqual, _limit, _isShare) = (text, quantity, isAbove, takesEqual, limit, isShare);

    private enum Measure
    {
        /// <summary>Of memory; can be a share of what the guest has.</summary>
        Size,

        /// <summary>Of memory, a second.</summary>
        SizeRate,
        Number,
    }

    /// <summary>The quantities that a condition may name.</summary>
    public static IEnumerable<string> Names => Quantities.Select(quantity => quantity.Name);

    /// <summary>Reads <c>used&gt;90%,age&gt;60</c>: one condition, or several of which one is enough.</summary>
    public static IReadOnlyList<WatchCondition> ReadAll(string text) => [.. text.Split(',').Select(Read)];

    /// <summary>Says why the condition holds for a sample; null where it does not, or nobody knows.</summary>
    public string? Holds(FollowedSample sample)
    {
        MemoryLine line = sample.Line;
        double? value = _quantity.Name == Age ? sample.Silence?.TotalSeconds : _quantity.Value(line);
        if (_isShare)
            value = line.AvailableKiB is { } all and > 0 ? 100 * value / all : null;
        bool holds = _isAbove ? value > _limit : value < _limit;
        if (!holds && !(_takesEqual && value == _limit))
            return null;
        return $"{_text} (now {(sample.Silence == TimeSpan.MaxValue && _quantity.Name == Age ? "never reported" : Show(value!.Value))})";
    }

    private static WatchCondition Read(string text)
    {
        text = text.Trim();
        int at = text.AsSpan().IndexOfAny('<', '>');
        if (at <= 0)
            throw new CommandException($"'{text}' is not a condition: write a quantity, > or <, and a limit, such as used>90% or swap-out>0");
        string name = text[..at].Trim();
        Quantity quantity = Quantities.FirstOrDefault(one => one.Name == name) ?? throw NearestName.Unknown("quantity", name, [.. Names]);
        bool takesEqual = text.AsSpan(at + 1).StartsWith('=');
        string limit = text[(takesEqual ? at + 2 : at + 1)..].Trim();
        bool isShare = limit.EndsWith('%');
        if (!(isShare ? quantity.Measure == Measure.Size && TryReadNumber(limit[..^1], out double value) : TryReadLimit(limit, quantity.Measure, out value)))
        {
            throw new CommandException($"'{limit}' is no limit for '{name}': {quantity.Measure switch
            {
                Measure.Size when limit.All(char.IsAsciiDigit) && limit.Length > 0 => $"write {limit}% or {limit}KiB",
                Measure.Size => "write a size such as 512M, or a share such as 90%",
                Measure.SizeRate => "write a size per second such as 1M (in KiB without a unit)",
                _ => "write a number",
            }}");
        }

        return new WatchCondition(text, quantity, text[at] == '>', takesEqual, value, isShare);
    }

    private static bool TryReadLimit(string text, Measure measure, out double value)
    {
        if (measure == Measure.Number)
            return TryReadNumber(text, out value);
        bool isSize = NumberText.TryReadSize(text, 1024, out ulong bytes, out _);
        value = bytes / 1024.0;

        // A percent sign is easily forgotten, and so many KiB are never meant.
        return isSize && (measure == Measure.SizeRate || bytes == 0 || !char.IsAsciiDigit(text[^1]));
    }

    private static bool TryReadNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

    // What a guest told once says nothing about now.
    private static double? OfGuest(MemoryLine line, ulong? kib) =>
        line.Stats is { Freshness: Freshness.Fresh, Inconsistencies: MemoryStatsInconsistency.None } ? kib : null;

    private string Show(double value) =>
        _isShare ? string.Create(CultureInfo.InvariantCulture, $"{value:0.#}%")
        : _quantity.Measure == Measure.Number || value < 1 ? HumanSize.Rate(value)
        : HumanSize.Of((ulong)value, SizeUnit.Human);

    private sealed record Quantity(string Name, Func<MemoryLine, double?> Value, Measure Measure);
}
