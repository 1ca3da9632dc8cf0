using System.Globalization;

namespace Ballast.Cli.Output;

/// <summary>What people should know about a sample: how old it is, why it is as it is, and what to do.</summary>
internal static class MemoryRemark
{
    public static string Of(Domain domain, MemoryStats stats)
    {
        if (stats.Reason == MemoryStatsReason.Fresh)
        {
            string period = stats.Period is { } known && known > TimeSpan.Zero ? $", every {Duration(known)}" : "";
            return $"{domain.Name}: reported {Duration(stats.Age.GetValueOrDefault())} ago{period}";
        }

        string age = stats.Age is { } old ? $"; its last report is {Duration(old)} old" : "";
        string which = stats.Inconsistencies == MemoryStatsInconsistency.None ? "" : $" ({stats.Inconsistencies.Label()})";
        string detail = stats.Detail is null ? "" : $" ({stats.Detail})";
        return $"{domain.Name}: {stats.Reason.Label()}{which}{age}{detail}. {Remedy(domain, stats)}".TrimEnd();
    }

    /// <summary>What to do about a sample's reason, with commands that name this domain and no other.</summary>
    public static string Remedy(Domain domain, MemoryStats stats) =>
        stats.Reason == MemoryStatsReason.Paused && new Standstill(stats.PauseCause, stats.State) is { WaitsForResume: false } still
            ? $"{still.Remedy(domain)}"
            : stats.Reason.Remedy(ShellCommand.Name(domain));

    /// <summary>In one unit, or two where the first is large.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
        { TotalMinutes: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalHours: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min"),
        { TotalDays: < 2 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:0} days"),
    };
}
