using System.Text.Json;

namespace Ballast.Cli.Json;

/// <summary><c>dommemstat --json</c>.</summary>
internal static class MemoryStatsJson
{
    public static void Write(CommandInvocation invocation, Domain domain, MemoryStats stats)
    {
        JsonOutput.Write(invocation.Out, json =>
        {
            json.WriteStartObject();
            JsonOutput.WriteDomain(json, domain);
            WriteValues(json, stats);
            WriteTimes(json, stats);
            JsonOutput.WriteJudgement(json, domain, stats);
            JsonOutput.WriteTextOrNull(json, "detail", stats.Detail);
            WriteMissing(json, stats);
            WriteInconsistencies(json, stats.Inconsistencies);
            json.WriteEndObject();
        });
    }

    private static void WriteValues(Utf8JsonWriter json, MemoryStats stats)
    {
        json.WriteStartObject("stats");
        foreach ((MemoryStatTag tag, ulong value) in stats.Entries)
            json.WriteNumber(tag.Label(), value);
        json.WriteEndObject();

        if (stats.Used is not { } used)
        {
            json.WriteNull("used");
            return;
        }

        json.WriteStartObject("used");
        json.WriteNumber("kib", used.KiB);
        json.WriteString("formula", MemoryText.Formula(used.Formula));
        json.WriteEndObject();
    }

    private static void WriteTimes(Utf8JsonWriter json, MemoryStats stats)
    {
        if (stats.LastUpdate is { } lastUpdate)
            json.WriteString("last_update", lastUpdate.UtcDateTime);
        else
            json.WriteNull("last_update");

        if (stats.Age is { } age)
            json.WriteNumber("age_seconds", Math.Round(age.TotalSeconds, 3));
        else
            json.WriteNull("age_seconds");

        if (stats.Period is { } period)
            json.WriteNumber("period_seconds", (long)period.TotalSeconds);
        else
            json.WriteNull("period_seconds");
    }

    private static void WriteMissing(Utf8JsonWriter json, MemoryStats stats)
    {
        json.WriteStartObject("missing");
        for (MemoryStatTag tag = MemoryStatTag.SwapIn; tag <= MemoryStatTag.HugetlbPgFail; tag++)
        {
            if (stats.WhyMissing(tag) is { } reason)
                json.WriteString(tag.Label(), reason.Label());
        }

        json.WriteEndObject();
    }

    private static void WriteInconsistencies(Utf8JsonWriter json, MemoryStatsInconsistency found)
    {
        json.WriteStartArray("inconsistencies");
        foreach (string text in MemoryText.Inconsistencies(found))
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
