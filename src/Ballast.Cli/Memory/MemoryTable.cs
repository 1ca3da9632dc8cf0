using System.Globalization;
using Ballast.Cli.Output;

namespace Ballast.Cli.Memory;

/// <summary>The table of the host, as wide as there is room.</summary>
internal sealed class MemoryTable
{
    private const int ShortestName = 10, ShortestReason = 8, LongBar = 10, ShortBar = 5;
    private const string Red = "\e[31m", Yellow = "\e[33m", Bar = "", Percent = "%";

    // What tells least goes first: some before a name is cut, others where that does not help. The name and what is used stay.
    private static readonly string[] Dispensable = [Percent, "Cache", "Faults/s", "Swap/s", "Resident"], Scarce = ["Balloon", Bar, "Age", "Host", "Reason"];

    private readonly IReadOnlyList<MemoryLine> _lines;
    private readonly SizeUnit _unit;
    private readonly bool _hasColour;
    private readonly List<Column> _columns;
    private int _bar = LongBar;
    private bool _hasPercent = true;

    /// <param name="lines">The guests, in the order in which they are shown.</param>
    /// <param name="unit">Of all sizes.</param>
    /// <param name="hasColour">Whether the terminal shows colours.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    /// <param name="place">Where a guest runs, where it is not clear that all do so at one place.</param>
    public MemoryTable(IReadOnlyList<MemoryLine> lines, SizeUnit unit, bool hasColour, int? room, Func<MemoryLine, string>? place = null)
    {
        (_lines, _unit, _hasColour) = (lines, unit, hasColour);
        _columns = All(place);
        foreach (Column column in _columns)
            column.Measure(lines);
        if (room is { } width)
            Fit(width);
    }

    /// <summary>The columns that are not there because there was no room.</summary>
    public IReadOnlyList<string> LeftOut { get; private set; } = [];

    public string Heading => TableRow.Of(_columns.Select(column => new TableCell(column.Header, column.Width, column.IsRight)));

    public string Row(MemoryLine line) =>
        TableRow.Of(_columns.Select(column => new TableCell(column.Cell(line), column.Width, column.IsRight, Colour(column, line))));

    private List<Column> All(Func<MemoryLine, string>? place)
    {
        List<Column> columns =
        [
            new("Domain", line => SafeText.Escape(line.Domain.Name)) { Shortest = ShortestName },
            new("Used / guest", line => $"{Size(line.Stats.Used?.KiB)} / {Size(line.AvailableKiB)}") { IsRight = true },
            new(Bar, BarOf),
            new("Balloon", line => $"{Size(line.Stats.ActualKiB)} / {Size(line.MaximumKiB)}") { IsRight = true },
            new("Resident", line => Size(line.Stats.RssKiB)) { IsRight = true },
            new("Cache", line => Size(line.Stats.DiskCachesKiB)) { IsRight = true },
            new("Swap/s", line => HumanSize.SizeRate(line.Rates?.SwapKiB, _unit)) { IsRight = true },
            new("Faults/s", line => HumanSize.Rate(line.Rates?.MajorFaults)) { IsRight = true },
            new("Age", line => HumanSize.Age(line.Stats.Age)) { IsRight = true },
            new("Reason", line => line.Stats.Reason == MemoryStatsReason.Fresh ? "" : line.Stats.Reason.Label()) { Shortest = ShortestReason, IsLast = true },
        ];
        if (place is not null)
            columns.Insert(1, new("Host", line => SafeText.Escape(place(line))) { Shortest = ShortestName });
        return columns;
    }

    private void Fit(int room)
    {
        List<string> leftOut = [];
        string[] rates = _lines.Any(line => line.Rates is { SwapKiB: > 0 } or { MajorFaults: > 0 }) ? [] : ["Faults/s", "Swap/s"];
        foreach (string header in (IEnumerable<string>)[.. rates, .. Dispensable, .. Scarce])
        {
            bool isScarce = Scarce.Contains(header);
            if (Width(column => isScarce ? column.Least : column.Width) <= room)
                continue;
            if (header == Percent)
                ShortenBar();
            else if (_columns.RemoveAll(column => column.Header == header) > 0 && header != Bar)
                leftOut.Add(header);
        }

        // Names of guests are cut last: they tell more than where a guest runs.
        foreach (Column column in _columns.Where(column => column.Shortest > 0).OrderBy(column => column.Header == "Host" ? 0 : 1))
            column.Width = Math.Max(column.Least, column.Width - Math.Max(0, Width(column => column.Width) - room));

        // The narrowest terminals get as much of a name as there is room for.
        _columns[0].Width = Math.Max(1, _columns[0].Width - Math.Max(0, Width(column => column.Width) - room));
        LeftOut = leftOut;
    }

    private void ShortenBar()
    {
        (_bar, _hasPercent) = (ShortBar, false);
        _columns.Find(column => column.Header == Bar)!.Measure(_lines);
    }

    private int Width(Func<Column, int> each) => _columns.Sum(each) + (TableRow.Gap.Length * (_columns.Count - 1));

    private string Size(ulong? kib) => HumanSize.Of(kib, _unit);

    private string BarOf(MemoryLine line)
    {
        if (line.UsedShare is not { } share)
            return new string(' ', _bar + 2);
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * _bar);
        string bar = $"[{new string('#', full)}{new string('.', _bar - full)}]";
        return _hasPercent ? string.Create(CultureInfo.InvariantCulture, $"{bar} {share * 100,3:0}%") : bar;
    }

    private string? Colour(Column column, MemoryLine line) => !_hasColour ? null
        : column.Header == Bar ? line switch
        {
            { UsedShare: >= 0.9 } or { Rates.SwapOutKiB: > 0 } => Red,
            { IsPressed: true } => Yellow,
            _ => null,
        }
        : column.IsLast ? Yellow
        : null;

    private sealed record Column(string Header, Func<MemoryLine, string> Cell)
    {
        public bool IsRight { get; init; }

        public bool IsLast { get; init; }

        /// <summary>How narrow it may become; 0: it stays as it is.</summary>
        public int Shortest { get; init; }

        public int Width { get; set; }

        /// <summary>How narrow it is where it is as narrow as it may become.</summary>
        public int Least => Shortest > 0 ? Math.Min(Width, Shortest) : Width;

        public void Measure(IEnumerable<MemoryLine> lines) =>
            Width = lines.Select(line => SafeText.Width(Cell(line))).Append(SafeText.Width(Header)).Max();
    }
}
