using System.Globalization;

namespace Ballast.Cli.Memory;

/// <summary>A guest's counters at one of its reports: two of them make rates.</summary>
/// <param name="Id">Of the domain: another one is another run, whose counters began anew.</param>
/// <param name="Seconds">When the guest reported, in Unix seconds.</param>
/// <param name="SwapIn">KiB read from swap.</param>
/// <param name="SwapOut">KiB written to swap.</param>
/// <param name="Faults">Faults that read from a disk.</param>
/// <param name="MinorFaults">Faults that read from none: they tell a reboot, because they rise all the time.</param>
/// <param name="Actual">The balloon's size in KiB that belongs to the report.</param>
internal readonly record struct GuestCounters(int Id, long Seconds, ulong? SwapIn, ulong? SwapOut, ulong? Faults, ulong? MinorFaults, ulong? Actual = null)
{
    /// <summary>Those of a sample; null where it has none that can be believed, or where they are from before a reset.</summary>
    public static GuestCounters? Of(Domain domain, MemoryStats stats) =>
        domain.Id is { } id && stats.LastUpdate is { } reported && stats.Inconsistencies == MemoryStatsInconsistency.None
            && stats.Freshness != Freshness.NeverReported && stats.Reason is not (MemoryStatsReason.NeverReported or MemoryStatsReason.DriverNotLoaded)
            ? new GuestCounters(id, reported.ToUnixTimeSeconds(), stats.SwapInKiB, stats.SwapOutKiB, stats.MajorFaults, stats.MinorFaults, stats.ActualAtReportKiB)
            : null;

    /// <summary>How far apart two reports may be, or else two periods: what a guest did on average over longer is not what it does now.</summary>
    public static readonly TimeSpan LongestGap = TimeSpan.FromMinutes(10);

    /// <summary>What changed since an earlier report; null where it is none of this run, or too long ago.</summary>
    /// <param name="then">The earlier report's.</param>
    /// <param name="period">How often the guest reports; null: unknown.</param>
    public MemoryRates? Since(GuestCounters then, TimeSpan? period)
    {
        if (Seconds - then.Seconds > Math.Max(LongestGap.TotalSeconds, 2 * (period ?? default).TotalSeconds))
            return null;

        // A reboot resets all counters and keeps the id. One that has passed its old value since would give a false rate.
        if (then.Id != Id || Seconds <= then.Seconds || SwapIn < then.SwapIn || SwapOut < then.SwapOut || Faults < then.Faults || MinorFaults < then.MinorFaults)
            return null;
        double seconds = Seconds - then.Seconds;
        return new MemoryRates(PerSecond(then.SwapIn, SwapIn, seconds), PerSecond(then.SwapOut, SwapOut, seconds), PerSecond(then.Faults, Faults, seconds));
    }

    /// <summary>The same, with the balloon's size as it was seen first with this report: later it may have moved.</summary>
    /// <param name="then">The counters at the look before.</param>
    public GuestCounters WithActualOf(GuestCounters then) => then.Actual is not null && then with { Actual = Actual } == this ? then : this;

    public static bool TryParse(string line, out Guid uuid, out GuestCounters counters)
    {
        counters = default;
        string[] words = line.Split(' ');
        // An older version wrote one less.
        if (words.Length is not (7 or 8))
        {
            uuid = default;
            return false;
        }

        bool isWhole = int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            & long.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out long seconds);
        counters = new GuestCounters(id, seconds, Number(words[3]), Number(words[4]), Number(words[5]), Number(words[6]), words.Length > 7 ? Number(words[7]) : null);
        return Guid.TryParseExact(words[0], "D", out uuid) && isWhole;
    }

    public string ToLine(Guid uuid) =>
        string.Create(CultureInfo.InvariantCulture, $"{uuid:D} {Id} {Seconds} {Text(SwapIn)} {Text(SwapOut)} {Text(Faults)} {Text(MinorFaults)} {Text(Actual)}\n");

    private static double? PerSecond(ulong? then, ulong? now, double seconds) => (now - then) / seconds;

    private static string Text(ulong? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static ulong? Number(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;
}
