namespace Ballast.Cli.Completion;

/// <summary>The names of connections' domains, for completion: the user is waiting.</summary>
internal static class DomainCandidates
{
    /// <summary>Asks all at once; nothing of a hypervisor that cannot tell in time.</summary>
    public static IEnumerable<string> Get(
        IEnumerable<Func<CancellationToken, ValueTask<Connection?>>> connections, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken) =>
        Task.WhenAll(connections.Select(connect => AskAsync(connect, patience, time, cancellationToken))).GetAwaiter().GetResult().SelectMany(names => names);

    private static async Task<string[]> AskAsync(
        Func<CancellationToken, ValueTask<Connection?>> connect, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Task<string[]> names = Task.Run(() => ListAsync(connect, over.Token), CancellationToken.None);

            // Whatever it is that hangs, the user is not kept.
            return await names.WaitAsync(patience, time, cancellationToken);
        }
        catch (Exception e) when (e is LibvirtException or TimeoutException or OperationCanceledException)
        {
            await over.CancelAsync();
            return [];
        }
    }

    // What begins with a dash would be read as an option.
    private static async Task<string[]> ListAsync(Func<CancellationToken, ValueTask<Connection?>> connect, CancellationToken cancellationToken)
    {
        if (await connect(cancellationToken) is not { } connection)
            return [];
        return [.. (await connection.ListDomainsAsync(DomainListFilter.Active | DomainListFilter.Inactive, cancellationToken))
            .Select(domain => domain.Name.StartsWith('-') ? $"{domain.Uuid}" : domain.Name)];
    }
}
