using System.Globalization;
using Ballast.Cli.Output;

namespace Ballast.Cli.Memory;

/// <summary>The table of the host, as wide as there is room.</summary>
/// <param name="lines">The guests, in the order in which they are shown.</param>
/// <param name="unit">Of all sizes.</param>
/// <param name="hasColour">Whether the terminal shows colours.</param>
internal sealed class MemoryTable(IReadOnlyList<MemoryLine> lines, SizeUnit unit, bool hasColour)
{
    private const int ShortestName = 10, ShortestReason = 8, LongBar = 10, ShortBar = 5;
    private const string Gap = "  ", Red = "\e[31m", Yellow = "\e[33m", Plain = "\e[0m";

    private int _bar = LongBar;
    private bool _hasPercent = true;

    /// <summary>The columns that the last call left out because there was no room.</summary>
    public IReadOnlyList<string> LeftOut { get; private set; } = [];

    /// <param name="output">Where to.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    /// <param name="withHeader">Whether it has a heading.</param>
    public void WriteTo(TextOutput output, int? room, bool withHeader)
    {
        List<Column> columns = Fit(room);
        if (withHeader)
            WriteRow(output, columns, column => column.Header);
        foreach (MemoryLine line in lines)
            WriteRow(output, columns, column => column.Cell(line), column => Colour(column, line));
    }

    private List<Column> Fit(int? room)
    {
        List<Column> columns =
        [
            new("Domain", line => SafeText.Escape(line.Domain.Name)) { Shortest = ShortestName },
            new("Used / guest", line => $"{Size(line.Stats.Used?.KiB)} / {Size(line.Stats.AvailableKiB)}") { IsRight = true },
            new("", Bar) { IsBar = true },
            new("Balloon", line => $"{Size(line.Stats.ActualKiB)} / {Size(line.MaximumKiB)}") { IsRight = true },
            new("Resident", line => Size(line.Stats.RssKiB)) { IsRight = true },
            new("Cache", line => Size(line.Stats.DiskCachesKiB)) { IsRight = true },
            new("Swap/s", line => Swap(line.Rates?.SwapKiB)) { IsRight = true },
            new("Faults/s", line => HumanSize.Rate(line.Rates?.MajorFaults)) { IsRight = true },
            new("Age", line => HumanSize.Age(line.Stats.Age)) { IsRight = true },
            new("Reason", line => line.Stats.Reason == MemoryStatsReason.Fresh ? "" : line.Stats.Reason.Label()) { Shortest = ShortestReason, IsLast = true },
        ];
        foreach (Column column in columns)
            column.Measure(lines);
        if (room is not { } width)
            return columns;

        // What tells least goes first.
        List<string> leftOut = [];
        string[] rates = lines.Any(line => line.Rates is { SwapKiB: > 0 } or { MajorFaults: > 0 }) ? [] : ["Faults/s", "Swap/s"];
        foreach (string header in (IEnumerable<string>)[.. rates, "%", "Cache", "Faults/s", "Swap/s", "Resident"])
        {
            if (Width(columns) <= width)
                break;
            if (header == "%")
                ShortenBar(columns);
            else if (columns.RemoveAll(column => column.Header == header) > 0)
                leftOut.Add(header);
        }

        foreach (Column column in columns.Where(column => column.Shortest > 0))
            column.Width = Math.Max(Math.Min(column.Width, column.Shortest), column.Width - Math.Max(0, Width(columns) - width));
        LeftOut = leftOut;
        return columns;
    }

    private void ShortenBar(List<Column> columns)
    {
        (_bar, _hasPercent) = (ShortBar, false);
        columns.Find(column => column.IsBar)!.Measure(lines);
    }

    private static int Width(List<Column> columns) => columns.Sum(column => column.Width) + (Gap.Length * (columns.Count - 1));

    private string Size(ulong? kib) => HumanSize.Of(kib, unit);

    private string Swap(double? kib) => unit == SizeUnit.Human && kib >= 1 ? HumanSize.Of((ulong)kib, unit) : HumanSize.Rate(unit == SizeUnit.Bytes ? kib * 1024 : kib);

    private string Bar(MemoryLine line)
    {
        if (line.UsedShare is not { } share)
            return new string(' ', _bar + 2);
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * _bar);
        string bar = $"[{new string('#', full)}{new string('.', _bar - full)}]";
        return _hasPercent ? string.Create(CultureInfo.InvariantCulture, $"{bar} {share * 100,3:0}%") : bar;
    }

    private string? Colour(Column column, MemoryLine line) => !hasColour ? null
        : column.IsBar ? line switch
        {
            { UsedShare: >= 0.9 } or { Rates.SwapOutKiB: > 0 } => Red,
            { IsPressed: true } => Yellow,
            _ => null,
        }
        : column.IsLast ? Yellow
        : null;

    private static void WriteRow(TextOutput output, List<Column> columns, Func<Column, string> cell, Func<Column, string?>? colour = null)
    {
        string blank = "";
        foreach (Column column in columns)
        {
            string text = Cut(cell(column), column.Width), pad = new(' ', Math.Max(0, column.Width - SafeText.Width(text)));

            // Nothing is written behind the last visible character.
            if (column.IsRight)
                blank += pad;
            if (text.Trim().Length > 0)
            {
                output.Write(blank);
                blank = "";
                output.Write(colour?.Invoke(column) is { } code ? $"{code}{text}{Plain}" : text);
            }
            else
            {
                blank += text;
            }

            blank += column.IsRight ? Gap : pad + Gap;
        }

        output.WriteLine("");
    }

    private static string Cut(string text, int width)
    {
        if (SafeText.Width(text) <= width)
            return text;
        int length = text.Length;
        while (length > 0 && SafeText.Width(text[..length]) > width - 1)
            length--;
        if (length > 0 && char.IsHighSurrogate(text[length - 1]))
            length--;
        return $"{text[..length]}…";
    }

    private sealed record Column(string Header, Func<MemoryLine, string> Cell)
    {
        public bool IsRight { get; init; }

        public bool IsBar { get; init; }

        public bool IsLast { get; init; }

        /// <summary>How narrow it may become; 0: it stays as it is.</summary>
        public int Shortest { get; init; }

        public int Width { get; set; }

        public void Measure(IEnumerable<MemoryLine> lines) =>
            Width = lines.Select(line => SafeText.Width(Cell(line))).Append(SafeText.Width(Header)).Max();
    }
}
