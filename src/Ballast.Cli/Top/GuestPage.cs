using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Top;

/// <summary>The page about one guest.</summary>
internal static class GuestPage
{
    private const int LabelWidth = 22, TallestChart = 6, FewestEvents = 3;

    private static readonly (string Name, Func<MemoryStats, ulong?> Now, Func<HistoryPoint, float> Then)[] Series =
    [
        ("Used", stats => stats.Used?.KiB, point => point.Used),
        ("Cache", stats => stats.DiskCachesKiB, point => point.Cache),
        ("Balloon", stats => stats.ActualKiB, point => point.Balloon),
        ("Resident", stats => stats.RssKiB, point => point.Resident),
    ];

    public static IEnumerable<string> Lines(TopState state, int columns, int rows)
    {
        if (state.Guest is not { } line)
            return ["", "This guest is gone."];
        List<string> head = [.. Head(state, line, columns)], rates = [.. SafeText.Wrap(Rates(line), columns)];
        GuestEvent[] events = [.. state.EventsOfGuest];
        int below = rates.Count + 2 + Math.Clamp(events.Length, 1, FewestEvents);

        // Beside its label where there is room, else below it.
        bool isBeside = columns >= 60;
        int height = Math.Clamp(((rows - head.Count - below) / Series.Length) - (isBeside ? 0 : 1), 1, TallestChart);
        List<string> lines = [.. head];
        foreach ((string name, Func<MemoryStats, ulong?> now, Func<HistoryPoint, float> then) in Series)
        {
            float[] values = [.. state.History.Select(then)];
            string label = $"{name,-9}{HumanSize.Of(now(line.Stats), SizeUnit.Human),5}", most = $"max {Most(values)}";
            IReadOnlyList<string> chart = Chart.Lines(values, columns - (isBeside ? LabelWidth : 0), height);
            if (!isBeside)
                lines.Add($"{label}  {most}");
            lines.AddRange(chart.Select((bars, row) => !isBeside ? bars : Beside(row, height, label, most) + bars));
        }

        lines.AddRange(rates);
        lines.Add("");
        int room = Math.Max(0, rows - lines.Count - 1);
        lines.Add(events.Length > 0 ? "Events, newest first:" : "No events since top began.");
        lines.AddRange(events.Reverse().Take(room).Select(happened => TableRow.Cut(
            string.Create(CultureInfo.InvariantCulture, $"  {happened.Time:HH:mm:ss}  {SafeText.Escape(happened.Text)}"), columns)));
        return lines;
    }

    private static IEnumerable<string> Head(TopState state, MemoryLine line, int columns)
    {
        yield return TableRow.Cut($"{SafeText.Escape(line.Domain.Name)}{(state.Hosts.Count > 1 ? $"  {SafeText.Escape(state.HostOf(line).Name)}" : "")}", columns);
        string size = HumanSize.Of(line.AvailableKiB, SizeUnit.Human), maximum = HumanSize.Of(line.MaximumKiB, SizeUnit.Human);
        string share = line.UsedShare is { } part ? string.Create(CultureInfo.InvariantCulture, $" ({part * 100:0}%)") : "";
        foreach (string text in (IEnumerable<string>)
            [
                SafeText.Escape(MemoryRemark.Of(line.Domain, line.Stats)),
                $"Uses {HumanSize.Of(line.Stats.Used?.KiB, SizeUnit.Human)} of {size}{share}; balloon {HumanSize.Of(line.Stats.ActualKiB, SizeUnit.Human)} of {maximum}; "
                + $"the host could get back {HumanSize.Of(line.ReclaimableKiB, SizeUnit.Human)}",
            ])
        {
            foreach (string one in SafeText.Wrap(text, columns))
                yield return one;
        }

        yield return "";
    }

    private static string Beside(int row, int height, string label, string most) =>
        (row == height - 1 && height > 1 ? $"{"",9}{most}" : row == 0 ? height > 1 ? label : $"{label} {most}" : "").PadRight(LabelWidth);

    private static string Most(float[] values) =>
        values.Where(value => !float.IsNaN(value)).DefaultIfEmpty(float.NaN).Max() is var most && float.IsNaN(most) ? HumanSize.Unknown : HumanSize.Of((ulong)most, SizeUnit.Human);

    private static string Rates(MemoryLine line) =>
        $"Per second: swap in {HumanSize.SizeRate(line.Rates?.SwapInKiB, SizeUnit.Human)}, swap out {HumanSize.SizeRate(line.Rates?.SwapOutKiB, SizeUnit.Human)}, "
        + $"major faults {HumanSize.Rate(line.Rates?.MajorFaults)}";
}
