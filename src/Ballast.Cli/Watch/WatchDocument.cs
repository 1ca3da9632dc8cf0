using System.Text.Json;
using Ballast.Cli.Json;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Watch;

/// <summary>A sample for programs, an object a line: docs/cli-json.md.</summary>
internal static class WatchDocument
{
    private static readonly (string Name, Func<MemoryStats, ulong?> Value)[] Changes =
    [
        ("used_kib", stats => stats.Used?.KiB),
        ("available_kib", stats => stats.AvailableKiB),
        ("usable_kib", stats => stats.UsableKiB),
        ("balloon_kib", stats => stats.ActualKiB),
        ("rss_kib", stats => stats.RssKiB),
        ("disk_caches_kib", stats => stats.DiskCachesKiB),
    ];

    public static void Write(TextOutput output, FollowedSample sample)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            JsonOutput.WriteDomain(json, sample.Line.Domain);
            MemoryStatsJson.WriteMembers(json, sample.Line.Domain, sample.Stats);
            json.WriteString("time", sample.Time.UtcDateTime);
            JsonOutput.WriteNumber(json, "used_share", sample.Line.UsedShare);
            WriteChanges(json, sample);
            MemoryDocuments.WriteRates(json, sample.Line.Rates);
            json.WriteEndObject();
        }

        output.WriteLine("");
    }

    private static void WriteChanges(Utf8JsonWriter json, FollowedSample sample)
    {
        if (sample.Before is null)
        {
            json.WriteNull("changes");
            return;
        }

        json.WriteStartObject("changes");
        foreach ((string name, Func<MemoryStats, ulong?> value) in Changes)
        {
            if (sample.Change(value) is { } change)
                json.WriteNumber(name, change);
            else
                json.WriteNull(name);
        }

        json.WriteEndObject();
    }
}
