namespace Ballast.Cli.Completion;

/// <summary>The names of a connection's domains, for completion: the user is waiting.</summary>
internal static class DomainCandidates
{
    /// <summary>Nothing where the hypervisor cannot tell in time.</summary>
    public static IEnumerable<string> Get(Func<CancellationToken, ValueTask<Connection?>> connect, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            Task<string[]> names = Task.Run(() => ListAsync(connect, over.Token), CancellationToken.None);

            // Whatever it is that hangs, the user is not kept.
            return names.WaitAsync(patience, time, cancellationToken).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is LibvirtException or TimeoutException or OperationCanceledException)
        {
            over.Cancel();
            return [];
        }
    }

    private static async Task<string[]> ListAsync(Func<CancellationToken, ValueTask<Connection?>> connect, CancellationToken cancellationToken)
    {
        if (await connect(cancellationToken) is not { } connection)
            return [];
        return [.. (await connection.ListDomainsAsync(DomainListFilter.Active | DomainListFilter.Inactive, cancellationToken)).Select(domain => domain.Name)];
    }
}
