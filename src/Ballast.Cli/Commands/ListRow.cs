using Ballast.Cli.Json;

namespace Ballast.Cli.Commands;

/// <summary>A domain in the list.</summary>
internal sealed record ListRow(Domain Domain)
{
    public DomainStateInfo State { get; private init; }

    /// <summary>What is shown for the state: that of an inactive one with a saved image too.</summary>
    public string StateLabel { get; private init; } = "";

    public string Title { get; private init; } = "";

    /// <summary>Its sample; null where nobody asked, or it does not run.</summary>
    public MemoryStats? Memory { get; private init; }

    /// <summary>Why its numbers are not fresh; null where they are, or nobody asked.</summary>
    public string? Why => Memory is { Reason: not MemoryStatsReason.Fresh and var reason } ? reason.Label() : null;

    /// <param name="on">The command.</param>
    /// <param name="domains">Domains of one host.</param>
    /// <param name="withSaved">Whether to say which are saved.</param>
    /// <param name="withTitle">Whether to ask for titles.</param>
    /// <param name="withMemory">Whether to ask for samples.</param>
    public static async Task<ListRow[]> ReadAsync(CommandInvocation on, IReadOnlyList<Domain> domains, bool withSaved, bool withTitle, bool withMemory)
    {
        Task<ListRow[]> asking = Task.WhenAll(domains.Select(domain => ReadAsync(on, domain, withSaved)));
        IReadOnlyDictionary<Guid, DomainMemorySample> samples = withMemory
            ? await MemoryStatsJson.AskAsync(on.Connection, domains, MemoryStatsOptions.None, on.CancellationToken)
            : new Dictionary<Guid, DomainMemorySample>();
        ListRow[] rows = await asking;
        string[] titles = withTitle ? await Task.WhenAll(domains.Select(domain => TitleAsync(on, domain))) : [.. domains.Select(_ => "")];
        return [.. rows.Select((row, i) => row with
        {
            Title = titles[i],
            Memory = samples.TryGetValue(row.Domain.Uuid, out DomainMemorySample sample) ? sample.Stats : null,
        })];
    }

    // A domain that cannot be asked keeps its line.
    private static async Task<ListRow> ReadAsync(CommandInvocation on, Domain domain, bool withSaved)
    {
        DomainStateInfo state = new(DomainState.NoState, 0);
        try
        {
            if (withSaved && domain.Id is null && await domain.HasManagedSaveImageAsync(on.CancellationToken))
                return new(domain) { State = state, StateLabel = "saved" };
            state = await domain.GetStateAsync(on.CancellationToken);
        }
        catch (LibvirtException)
        {
            // It is not known.
        }

        return new(domain) { State = state, StateLabel = state.State.Label() };
    }

    private static async Task<string> TitleAsync(CommandInvocation on, Domain domain)
    {
        try
        {
            return await domain.GetMetadataAsync(DomainMetadataType.Title, cancellationToken: on.CancellationToken);
        }
        catch (LibvirtException)
        {
            return "";
        }
    }
}
