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
        IEnumerable<string> lines = [.. Sums(total, unit), .. NotSummed(total, room ?? Usual, host)];
        return room is { } width ? lines.SelectMany(line => SafeText.Wrap(line, width)) : lines;
    }

    public static IEnumerable<string> Sums(MemoryTotal total, SizeUnit unit)
    {
        string Size(ulong kib) => HumanSize.Of(kib, unit);

        // Sums of nothing look like an answer.
        if (total.Summed == 0)
            return total.Guests == 0 ? ["Total of 0 guests."] : [];
        return
        [
            $"Total of {Count(total.Summed)} with current numbers: {Size(total.UsedKiB)} used of {Size(total.AvailableKiB)},",
            $"balloons {Size(total.BalloonKiB)} of {Size(total.MaximumKiB)}, resident {Size(total.ResidentKiB)}; the host could get back {Size(total.ReclaimableKiB)}.",
        ];
    }

    private static string Count(int guests) => guests == 1 ? "1 guest" : string.Create(CultureInfo.InvariantCulture, $"{guests} guests");

    private static IEnumerable<string> NotSummed(MemoryTotal total, int room, Func<MemoryLine, string>? host)
    {
        const string begin = "Not in the total: ", indent = "  ";
        string line = "";
        foreach (MemoryLine guest in total.NotSummed)
        {
            string place = host is null ? "" : $" at {SafeText.Escape(host(guest))}";
            string one = $"{SafeText.Escape(guest.Domain.Name)}{place} ({(guest.Stats.Reason == MemoryStatsReason.Fresh ? "incomplete" : guest.Stats.Reason.Label())})";
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
