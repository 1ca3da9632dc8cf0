using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Watch;

/// <summary>
/// One guest, a row a sample. What is to come is unknown, so the columns have their widths beforehand; those for which there is no
/// room are left out.
/// </summary>
internal sealed class WatchTable
{
    private const int ShortestReason = 8;

    // What tells least goes first.
    private static readonly string[] Dispensable = ["Cache", "+ resident", "%", "Faults/s", "+ balloon", "Resident", "Swap/s", "Age", "Balloon", "+ used"];

    private readonly List<Column> _columns;

    /// <param name="unit">Of all sizes.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    public WatchTable(SizeUnit unit, int? room)
    {
        // Numbers in bytes and KiB are as long as they are.
        int wide = unit == SizeUnit.Human ? 0 : 8;
        string Size(ulong? kib) => HumanSize.Of(kib, unit);
        string Change(FollowedSample sample, Func<MemoryStats, ulong?> value) => Signed(sample.Change(value), unit);
        _columns =
        [
            new("Time", 8, sample => sample.Time.ToString("HH:mm:ss", CultureInfo.InvariantCulture)) { IsLeft = true },
            new("Used / guest", 12 + (2 * wide), sample => $"{Size(sample.Stats.Used?.KiB)} / {Size(sample.Line.AvailableKiB)}"),
            new("%", 4, sample => sample.Line.UsedShare is { } share ? string.Create(CultureInfo.InvariantCulture, $"{share * 100:0}%") : HumanSize.Unknown),
            new("+ used", 6 + wide, sample => Change(sample, stats => stats.Used?.KiB)),
            new("Balloon", 7 + wide, sample => Size(sample.Stats.ActualKiB)),
            new("+ balloon", 9 + wide, sample => Change(sample, stats => stats.ActualKiB)),
            new("Resident", 8 + wide, sample => Size(sample.Stats.RssKiB)),
            new("+ resident", 10 + wide, sample => Change(sample, stats => stats.RssKiB)),
            new("Cache", 5 + wide, sample => Size(sample.Stats.DiskCachesKiB)),
            new("Swap/s", 6 + wide, sample => HumanSize.SizeRate(sample.Line.Rates?.SwapKiB, unit)),
            new("Faults/s", 8, sample => HumanSize.Rate(sample.Line.Rates?.MajorFaults)),
            new("Age", 4, sample => HumanSize.Age(sample.Stats.Age)),
        ];
        int Rest(int width) => width - _columns.Sum(column => column.Width + TableRow.Gap.Length);
        foreach (string header in Dispensable)
        {
            if (room is not { } width || Rest(width) >= ShortestReason)
                break;
            _columns.RemoveAll(column => column.Header == header);
        }

        string Reason(FollowedSample sample) => sample.Stats.Reason == MemoryStatsReason.Fresh ? "" : sample.Stats.Reason.Label();
        _columns.Add(new("Reason", room is { } all ? Math.Max(0, Rest(all)) : int.MaxValue, Reason) { IsLeft = true, IsLast = true });
    }

    public string Heading => TableRow.Of(_columns.Select(column => Cell(column, column.Header)));

    public string Row(FollowedSample sample) => TableRow.Of(_columns.Select(column => Cell(column, column.Text(sample))));

    private static TableCell Cell(Column column, string text) =>
        new(text, column.IsLast ? Math.Min(column.Width, SafeText.Width(text)) : Math.Max(column.Width, SafeText.Width(text)), !column.IsLeft);

    private static string Signed(long? kib, SizeUnit unit) => kib switch
    {
        null => HumanSize.Unknown,
        0 => "0",
        < 0 => $"-{HumanSize.Of((ulong)-kib.Value, unit)}",
        _ => $"+{HumanSize.Of((ulong)kib.Value, unit)}",
    };

    private sealed record Column(string Header, int Width, Func<FollowedSample, string> Text)
    {
        public bool IsLeft { get; init; }

        public bool IsLast { get; init; }
    }
}
