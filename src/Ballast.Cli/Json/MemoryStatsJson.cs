using System.Text.Json;
using Ballast.Cli.Output;

namespace Ballast.Cli.Json;

/// <summary>A sample with its circumstances, by the one schema of all commands: docs/cli-json.md.</summary>
internal static class MemoryStatsJson
{
    /// <summary>The samples of all that are active, in one call, by their domains' UUIDs.</summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, DomainMemorySample>> AskAsync(
        Connection connection, IEnumerable<Domain> domains, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        (await connection.GetMemoryStatsAsync(
            domains.Where(domain => domain.Id is not null).DistinctBy(domain => domain.Uuid), options, cancellationToken))
        .ToDictionary(sample => sample.Domain.Uuid);

    /// <summary>The object of <c>dommemstat --json</c>.</summary>
    public static void WriteObject(Utf8JsonWriter json, Domain domain, MemoryStats stats)
    {
        json.WriteStartObject();
        JsonOutput.WriteDomain(json, domain);
        WriteMembers(json, domain, stats);
        json.WriteEndObject();
    }

    /// <summary>The member <c>memory</c> of the commands that list domains; null where the domain does not run.</summary>
    public static void WriteMember(Utf8JsonWriter json, Domain domain, MemoryStats? stats)
    {
        if (stats is null)
        {
            json.WriteNull("memory");
            return;
        }

        json.WriteStartObject("memory");
        WriteMembers(json, domain, stats);
        json.WriteEndObject();
    }

    /// <summary>All members but the domain.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Domain domain, MemoryStats stats)
    {
        WriteValues(json, stats);
        WriteTimes(json, stats);
        WriteJudgement(json, domain, stats);
        WriteMissing(json, stats);
        WriteInconsistencies(json, stats.Inconsistencies);
    }

    private static void WriteJudgement(Utf8JsonWriter json, Domain domain, MemoryStats stats)
    {
        json.WriteString("freshness", stats.Freshness.Label());
        json.WriteString("reason", stats.Reason.Label());
        JsonOutput.WriteTextOrNull(json, "remedy", MemoryRemark.Remedy(domain, stats));
        JsonOutput.WriteTextOrNull(json, "detail", stats.Detail);
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
        json.WriteString("formula", used.Formula.Label());
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
        foreach (MemoryStatTag tag in MemoryStatTags.Libvirt)
        {
            if (stats.WhyMissing(tag) is { } reason)
                json.WriteString(tag.Label(), reason.Label());
        }

        json.WriteEndObject();
    }

    private static void WriteInconsistencies(Utf8JsonWriter json, MemoryStatsInconsistency found)
    {
        json.WriteStartArray("inconsistencies");
        foreach (MemoryStatsInconsistency one in Enum.GetValues<MemoryStatsInconsistency>().Where(one => (found & one) != 0))
            json.WriteStringValue(one.Label());
        json.WriteEndArray();
    }
}
