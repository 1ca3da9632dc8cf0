using System.Text.Json;

namespace Ballast.Cli.Json;

/// <summary>The <c>memory</c> object that lists carry per domain: how far its numbers can be trusted, or why nobody can say.</summary>
internal sealed class MemoryJudgement
{
    private readonly Domain _domain;
    private readonly MemoryStats? _stats;
    private readonly string? _error;

    private MemoryJudgement(Domain domain, MemoryStats? stats, string? error)
    {
        _domain = domain;
        _stats = stats;
        _error = error;
    }

    /// <summary>Asks all active domains at once: one that does not answer costs its own deadline only, once.</summary>
    public static Task<MemoryJudgement[]> AskAsync(IEnumerable<Domain> domains, CancellationToken cancellationToken) =>
        Task.WhenAll(domains.Select(domain => AskAsync(domain, cancellationToken)));

    public void Write(Utf8JsonWriter json)
    {
        if (_stats is null && _error is null)
        {
            json.WriteNull("memory");
            return;
        }

        json.WriteStartObject("memory");
        if (_stats is not null)
            JsonOutput.WriteJudgement(json, _domain, _stats);
        else
            json.WriteString("error", _error);
        json.WriteEndObject();
    }

    private static async Task<MemoryJudgement> AskAsync(Domain domain, CancellationToken cancellationToken)
    {
        if (domain.Id is null)
            return new MemoryJudgement(domain, null, null);
        try
        {
            return new MemoryJudgement(domain, await domain.GetMemoryStatsAsync(cancellationToken: cancellationToken), null);
        }
        catch (LibvirtException e)
        {
            return new MemoryJudgement(domain, null, e.Message);
        }
    }
}
