namespace Ballast.Native;

/// <summary>Samples of several domains.</summary>
internal static class Sampling
{
    /// <summary>Asks all of them side by side; one that is gone, or stopped meanwhile, is left out.</summary>
    public static async ValueTask<DomainMemorySample[]> AskAllAsync(
        IReadOnlyList<Domain> domains, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        DomainMemorySample?[] samples = await Task.WhenAll(domains.Select(AskAsync)).ConfigureAwait(false);
        return [.. samples.OfType<DomainMemorySample>()];

        async Task<DomainMemorySample?> AskAsync(Domain domain)
        {
            try
            {
                return new DomainMemorySample(domain, await domain.GetMemoryStatsAsync(options, cancellationToken).ConfigureAwait(false));
            }
            catch (LibvirtException e) when (e.Code is ErrorCode.NoDomain or ErrorCode.OperationInvalid)
            {
                return null;
            }
        }
    }
}
