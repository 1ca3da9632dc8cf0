using System.Globalization;
using Ballast.Cli.Output;

namespace Ballast.Cli.Memory;

/// <summary>The table of the host, as wide as there is room.</summary>
internal sealed class MemoryTable
{
    private const int ShortestName = 16, ShortestHost = 12, ShortestReason = 8, LongBar = 10, ShortBar = 5;
    private const double NearlyFull = 0.8;
    private const string Red = "\e[31m", Yellow = "\e[33m", Host = "Host", Share = "", Swap = "Swap/s", Faults = "Faults/s";

    // Two steps before the share is left out: its bar becomes shorter, then there is only the number.
    private const string LongerBar = "longer bar", AnyBar = "bar";

    // What tells least goes first: some before a name is cut, others where that does not help. What shows pressure goes last; the name
    // and what is used stay.
    private static readonly string[] Dispensable = [LongerBar, "Cache", Faults, AnyBar, "Resident"], Scarce = ["Balloon", "Age", Host, Swap, Share, "Reason"];

    private readonly IReadOnlyList<MemoryLine> _lines;
    private readonly SizeUnit _unit;
    private readonly bool _hasColour;
    private readonly List<Column> _all;
    private readonly List<string> _left = [];
    private List<Column> _columns;

    /// <param name="lines">The guests, in the order in which they are shown.</param>
    /// <param name="unit">Of all sizes.</param>
    /// <param name="hasColour">Whether the terminal shows colours.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    /// <param name="place">Where a guest runs, where it is not clear that all do so at one place.</param>
    public MemoryTable(IReadOnlyList<MemoryLine> lines, SizeUnit unit, bool hasColour, int? room, Func<MemoryLine, string>? place = null)
    {
        (_lines, _unit, _hasColour) = (lines, unit, hasColour);
        _columns = _all = All(place);
        foreach (Column column in _all)
            column.Measure(lines);
        if (room is { } width)
            Fit(width);
    }

    /// <summary>The columns that are not there because there was no room.</summary>
    public IReadOnlyList<string> LeftOut => [.. _left.Where(step => step is not (LongerBar or AnyBar)).Select(step => step == Share ? "share" : step)];

    private int Bar => _left.Contains(AnyBar) ? 0 : _left.Contains(LongerBar) ? ShortBar : LongBar;

    public string Heading => TableRow.Of(_columns.Select(column => new TableCell(column.Header, column.Width, column.IsRight)));

    public string Row(MemoryLine line) =>
        TableRow.Of(_columns.Select(column => new TableCell(column.Cell(line), column.Width, column.IsRight, Colour(column, line), column.Header == Host)));

    private List<Column> All(Func<MemoryLine, string>? place)
    {
        List<Column> columns =
        [
            new("Domain", line => SafeText.Escape(line.Domain.Name)) { Shortest = ShortestName },
            new("Used / guest", line => $"{Size(line.Stats.Used?.KiB)} / {Size(line.AvailableKiB)}") { IsRight = true },
            new(Share, ShareOf),
            new("Balloon", line => $"{Size(line.Stats.ActualKiB)} / {Size(line.MaximumKiB)}") { IsRight = true },
            new("Resident", line => Size(line.Stats.RssKiB)) { IsRight = true },
            new("Cache", line => Size(line.Stats.DiskCachesKiB)) { IsRight = true },
            new(Swap, line => HumanSize.SizeRate(line.Rates?.SwapKiB, _unit)) { IsRight = true },
            new(Faults, line => HumanSize.Rate(line.Rates?.MajorFaults)) { IsRight = true },
            new("Age", line => HumanSize.Age(line.Stats.Age)) { IsRight = true },
            new("Reason", line => line.Stats.Reason == MemoryStatsReason.Fresh ? "" : line.Stats.Reason.Label()) { Shortest = ShortestReason, IsLast = true },
        ];
        if (place is not null)
            columns.Insert(1, new(Host, line => SafeText.Escape(place(line))) { Shortest = ShortestHost });
        return columns;
    }

    private void Fit(int room)
    {
        string[] idle = _lines.Any(line => line.Rates is { SwapKiB: > 0 } or { MajorFaults: > 0 }) ? [] : [Faults, Swap];
        foreach (string step in (IEnumerable<string>)[.. idle, .. Dispensable, .. Scarce.Except(idle)])
        {
            if (!Fits(step, room) && !_left.Contains(step) && (step is LongerBar or AnyBar || _all.Exists(column => column.Header == step)))
                Arrange(() => _left.Add(step));
        }

        // What went first may have room again, since wider columns went after it.
        foreach (string step in Enumerable.Reverse(_left.ToArray()))
        {
            Arrange(() => _left.Remove(step));
            if (!Fits(step, room))
                Arrange(() => _left.Add(step));
        }

        // Names of guests are cut last: they tell more than where a guest runs.
        foreach (Column column in _columns.Where(column => column.Shortest > 0).OrderBy(column => column.Header == Host ? 0 : 1))
            column.Width = Math.Max(column.Least, column.Width - Math.Max(0, Width(column => column.Width) - room));

        // The narrowest terminals get as much of a name as there is room for.
        _columns[0].Width = Math.Max(1, _columns[0].Width - Math.Max(0, Width(column => column.Width) - room));
    }

    // Before names are cut, or else where they are.
    private bool Fits(string step, int room) => Width(column => Scarce.Contains(step) ? column.Least : column.Width) <= room;

    private void Arrange(Action change)
    {
        change();
        _columns = [.. _all.Where(column => !_left.Contains(column.Header))];
        _all.Find(column => column.Header == Share)!.Measure(_lines);
    }

    private int Width(Func<Column, int> each) => _columns.Sum(each) + (TableRow.Gap.Length * (_columns.Count - 1));

    private string Size(ulong? kib) => HumanSize.Of(kib, _unit);

    private string ShareOf(MemoryLine line)
    {
        const int numberWidth = 4;
        int bar = Bar, width = bar == 0 ? 0 : bar + 3;
        if (line.UsedShare is not { } share)
            return new string(' ', width + numberWidth);
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * bar);
        string number = string.Create(CultureInfo.InvariantCulture, $"{share * 100,3:0}%");
        return bar == 0 ? number : $"[{new string('#', full)}{new string('.', bar - full)}] {number}";
    }

    private string? Colour(Column column, MemoryLine line) => !_hasColour ? null
        : column.Header == Share ? line switch
        {
            { IsShort: true } => Red,
            { UsedShare: >= NearlyFull } => Yellow,
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
