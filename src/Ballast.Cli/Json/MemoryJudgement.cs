using System.Text.Json;

namespace Ballast.Cli.Json;

/// <summary>The <c>memory</c> object that lists carry per domain: how far its numbers can be trusted, or why nobody can say.</summary>
internal static class MemoryJudgement
{
    /// <summary>The samples of all that are active, in one call, by their domains' UUIDs.</summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, DomainMemorySample>> AskAsync(
        Connection connection, IEnumerable<Domain> domains, CancellationToken cancellationToken) =>
        (await connection.GetMemoryStatsAsync(
            domains.Where(domain => domain.Id is not null).DistinctBy(domain => domain.Uuid), cancellationToken: cancellationToken))
        .ToDictionary(sample => sample.Domain.Uuid);

    /// <summary>Null where the domain does not run.</summary>
    public static void Write(Utf8JsonWriter json, Domain domain, IReadOnlyDictionary<Guid, DomainMemorySample> samples)
    {
        if (!samples.TryGetValue(domain.Uuid, out DomainMemorySample sample))
        {
            json.WriteNull("memory");
            return;
        }

        json.WriteStartObject("memory");
        JsonOutput.WriteJudgement(json, domain, sample.Stats);
        JsonOutput.WriteTextOrNull(json, "detail", sample.Stats.Detail);
        json.WriteEndObject();
    }
}
