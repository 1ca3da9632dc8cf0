using System.Globalization;
using Ballast.Cli.Output;

namespace Ballast.Cli.Memory;

/// <summary>What stands below the table of the host.</summary>
internal static class MemorySummary
{
    private const int Usual = 100;

    /// <param name="total">The sums.</param>
    /// <param name="unit">Of sizes.</param>
    /// <param name="room">Columns of the terminal; null: as many as usual.</param>
    /// <param name="host">The name of a guest's host; null: all guests are of one.</param>
    public static IEnumerable<string> Lines(MemoryTotal total, SizeUnit unit, int? room, Func<MemoryLine, string>? host = null)
    {
        IEnumerable<string> lines =
        [
            .. Sums(total, unit), .. Named("Not in the total: ", total.NotSummed, room ?? Usual, host), .. Unjudged(total, room, host),
        ];
        return room is { } width ? lines.SelectMany(line => SafeText.Wrap(line, width)) : lines;
    }

    /// <summary>Who may be short of memory, and cannot be judged.</summary>
    /// <inheritdoc cref="Lines"/>
    public static IEnumerable<string> Unjudged(MemoryTotal total, int? room, Func<MemoryLine, string>? host) =>
        Named("Cannot be judged: ", total.Unjudged, room ?? Usual, host);

    public static IEnumerable<string> Sums(MemoryTotal total, SizeUnit unit)
    {
        // What some guests lack is no zero.
        string Size(MemorySum sum) => sum switch
        {
            { KiB: not { } } => "-",
            { KiB: { } kib, Missing: 0 } => HumanSize.Of(kib, unit),
            { KiB: { } kib } => string.Create(CultureInfo.InvariantCulture, $"{HumanSize.Of(kib, unit)} ({sum.Missing} unknown)"),
        };

        // Sums of nothing look like an answer.
        if (total.Summed == 0)
            return total.Guests == 0 ? ["Total of 0 guests."] : [];
        return
        [
            $"Total of {Count(total.Summed)} with current numbers: {Size(total.Used)} used of {Size(total.Available)},",
            $"balloons {Size(total.Balloon)} of {Size(total.Maximum)}, resident {Size(total.Resident)}; the host could get back {Size(total.Reclaimable)}.",
        ];
    }

    private static string Count(int guests) => guests == 1 ? "1 guest" : string.Create(CultureInfo.InvariantCulture, $"{guests} guests");

    private static string Why(MemoryLine guest) => guest.Stats.Reason != MemoryStatsReason.Fresh ? guest.Stats.Reason.Label()
        : guest.HasBalloonMoved ? "balloon moved since its report" : "incomplete";

    private static IEnumerable<string> Named(string begin, IEnumerable<MemoryLine> guests, int room, Func<MemoryLine, string>? host)
    {
        const string indent = "  ";
        string line = "";
        foreach (MemoryLine guest in guests)
        {
            string place = host is null ? "" : $" at {SafeText.Escape(host(guest))}";
            string one = $"{SafeText.Escape(guest.Domain.Name)}{place} ({Why(guest)})";
            if (line.Length == 0)
            {
                line = begin + one;
            }
            else if (SafeText.Width(line) + SafeText.Width(one) + 3 > room)
            {
                yield return line + ",";
                line = indent + one;
            }
            else
            {
                line += $", {one}";
            }
        }

        if (line.Length > 0)
            yield return line;
    }
}
