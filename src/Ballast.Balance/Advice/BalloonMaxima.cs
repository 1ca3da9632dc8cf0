namespace Ballast.Balance.Advice;

/// <summary>The largest sizes that balloons may be given.</summary>
public static class BalloonMaxima
{
    /// <summary>Asks for all of them in one call, and individually for those that the call leaves out.</summary>
    /// <param name="connection">The host.</param>
    /// <param name="domains">Domains of that connection.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Sizes in KiB by UUID; unknown ones are left out.</returns>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public static async Task<Dictionary<Guid, ulong>> AskAsync(
        Connection connection, IReadOnlyList<Domain> domains, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(domains);
        Dictionary<Guid, ulong> maxima = [];
        if (domains.Count == 0)
            return maxima;
        foreach (DomainStatsRecord record in await connection.GetDomainStatsAsync(domains, DomainStatsGroups.Balloon, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            // A daemon may say anything.
            ulong? kib = record.Parameters.FirstOrDefault(field => field.Field == "balloon.maximum").Value switch
            {
                ulong number => number,
                uint number => number,
                long and >= 0 and var number => (ulong)number,
                int and >= 0 and var number => (ulong)number,
                _ => null,
            };
            if (kib is { } maximum)
                maxima[record.Domain.Uuid] = maximum;
        }

        // Not every driver has them among its statistics; then they are where `dominfo` has them.
        (Guid Uuid, ulong? KiB)[] others = await Task.WhenAll(domains
            .Where(domain => !maxima.ContainsKey(domain.Uuid)).DistinctBy(domain => domain.Uuid)
            .Select(async domain => (domain.Uuid, await AskAsync(domain, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
        foreach ((Guid uuid, ulong? kib) in others)
        {
            if (kib is { } maximum)
                maxima[uuid] = maximum;
        }

        return maxima;
    }

    // One that cannot be had does not cost the others.
    private static async Task<ulong?> AskAsync(Domain domain, CancellationToken cancellationToken)
    {
        try
        {
            // 0 is libvirt's answer where nobody told it.
            return (await domain.GetInfoAsync(cancellationToken).ConfigureAwait(false)).MaxMemoryKiB is > 0 and var maximum ? maximum : null;
        }
        catch (LibvirtException)
        {
            return null;
        }
    }
}
