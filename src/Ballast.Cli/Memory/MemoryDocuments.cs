using System.Globalization;
using System.Text.Json;
using Ballast.Cli.Json;
using Ballast.Cli.Output;

namespace Ballast.Cli.Memory;

/// <summary>The table of the host for programs: docs/cli-json.md.</summary>
internal static class MemoryDocuments
{
    private static readonly (string Header, Func<MemoryLine, string> Cell)[] Columns =
    [
        ("name", line => line.Domain.Name),
        ("uuid", line => line.Domain.Uuid.ToString()),
        ("id", line => Text(line.Domain.Id)),
        ("used_kib", line => Text(line.Stats.Used?.KiB)),
        ("available_kib", line => Text(line.Stats.AvailableKiB)),
        ("balloon_kib", line => Text(line.Stats.ActualKiB)),
        ("maximum_kib", line => Text(line.MaximumKiB)),
        ("rss_kib", line => Text(line.Stats.RssKiB)),
        ("disk_caches_kib", line => Text(line.Stats.DiskCachesKiB)),
        ("swap_in_kib_per_second", line => Text(line.Rates?.SwapInKiB)),
        ("swap_out_kib_per_second", line => Text(line.Rates?.SwapOutKiB)),
        ("major_faults_per_second", line => Text(line.Rates?.MajorFaults)),
        ("reclaimable_kib", line => Text(line.ReclaimableKiB)),
        ("age_seconds", line => Text(line.Stats.Age?.TotalSeconds)),
        ("freshness", line => line.Stats.Freshness.Label()),
        ("reason", line => line.Stats.Reason.Label()),
    ];

    /// <param name="output">Where to.</param>
    /// <param name="lines">The guests.</param>
    /// <param name="withConnection">Whether to tell where each runs.</param>
    public static void WriteCsv(TextOutput output, IEnumerable<MemoryLine> lines, bool withConnection)
    {
        (string Header, Func<MemoryLine, string> Cell)[] columns =
            withConnection ? [("connection", line => line.Domain.Connection.Uri), .. Columns] : Columns;
        output.WriteLine(string.Join(',', columns.Select(column => column.Header)));
        foreach (MemoryLine line in lines)
            output.WriteLine(string.Join(',', columns.Select(column => Quote(column.Cell(line)))));
    }

    /// <param name="output">Where to.</param>
    /// <param name="lines">The guests.</param>
    /// <param name="total">Their sums.</param>
    /// <param name="withConnection">Whether to tell where each runs.</param>
    public static void WriteJson(TextOutput output, IEnumerable<MemoryLine> lines, MemoryTotal total, bool withConnection) => JsonOutput.Write(output, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("domains");
        foreach (MemoryLine line in lines)
            Write(json, line, withConnection);
        json.WriteEndArray();
        Write(json, total);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, MemoryLine line, bool withConnection)
    {
        json.WriteStartObject();
        if (withConnection)
            json.WriteString("connection", line.Domain.Connection.Uri);
        JsonOutput.WriteDomain(json, line.Domain);
        MemoryStatsJson.WriteMembers(json, line.Domain, line.Stats);
        JsonOutput.WriteNumber(json, "maximum_kib", line.MaximumKiB);
        JsonOutput.WriteNumber(json, "used_share", line.UsedShare);
        JsonOutput.WriteNumber(json, "reclaimable_kib", line.ReclaimableKiB);
        json.WriteBoolean("is_summed", line.IsSummed);
        json.WriteBoolean("is_short", line.IsShort);
        WriteRates(json, line.Rates);
        json.WriteEndObject();
    }

    public static void WriteRates(Utf8JsonWriter json, MemoryRates? known)
    {
        if (known is not { } rates)
        {
            json.WriteNull("rates");
            return;
        }

        json.WriteStartObject("rates");
        JsonOutput.WriteNumber(json, "swap_in_kib_per_second", rates.SwapInKiB);
        JsonOutput.WriteNumber(json, "swap_out_kib_per_second", rates.SwapOutKiB);
        JsonOutput.WriteNumber(json, "major_faults_per_second", rates.MajorFaults);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, MemoryTotal total)
    {
        json.WriteStartObject("total");
        json.WriteNumber("domains", total.Guests);
        json.WriteNumber("summed", total.Summed);
        json.WriteNumber("unjudged", total.Unjudged.Count);
        (string Name, MemorySum Sum)[] sums =
        [
            ("used_kib", total.Used), ("available_kib", total.Available), ("balloon_kib", total.Balloon), ("maximum_kib", total.Maximum),
            ("rss_kib", total.Resident), ("reclaimable_kib", total.Reclaimable),
        ];
        foreach ((string name, MemorySum sum) in sums)
            JsonOutput.WriteNumber(json, name, sum.KiB);
        json.WriteStartObject("missing");
        foreach ((string name, MemorySum sum) in sums.Where(one => one.Sum.Missing > 0))
            json.WriteNumber(name, sum.Missing);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Text(ulong? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Text(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Text(double? value) => JsonOutput.Rounded(value)?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Quote(string cell) =>
        cell.AsSpan().IndexOfAny(",\"\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
