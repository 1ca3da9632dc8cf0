namespace Ballast.Drivers;

/// <summary>Samples of many domains, by one rule for what goes wrong: each domain's trouble is its own.</summary>
internal static class MemorySampling
{
    /// <summary>Asks all of them side by side.</summary>
    public static async ValueTask<IReadOnlyList<DriverSample>> AskAllAsync(
        IDriver driver, IReadOnlyList<DomainIdentity> domains, MemoryStatsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        MemoryStats?[] samples = await Task.WhenAll(
            domains.Select(domain => AskAsync(driver, domain, options, time, cancellationToken))).ConfigureAwait(false);
        return Found(domains, samples);
    }

    /// <summary>
    /// One of many. What is an error for who asks for that domain alone is a reason in its sample here; null where it is
    /// gone, or does not run any more.
    /// </summary>
    public static async Task<MemoryStats?> AskAsync(
        IDriver driver, DomainIdentity domain, MemoryStatsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await driver.SampleMemoryAsync(domain, options, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            return e.Code is ErrorCode.NoDomain or ErrorCode.OperationInvalid ? null : Without(e, time);
        }
    }

    /// <summary>The samples of those that are still there.</summary>
    public static IReadOnlyList<DriverSample> Found(IReadOnlyList<DomainIdentity> domains, IReadOnlyList<MemoryStats?> samples)
    {
        List<DriverSample> found = new(domains.Count);
        for (int i = 0; i < domains.Count; i++)
        {
            if (samples[i] is { } sample)
                found.Add(new DriverSample(domains[i], sample));
        }

        return found;
    }

    /// <summary>A sample that says why nobody could be asked, and nothing else.</summary>
    private static MemoryStats Without(LibvirtException error, TimeProvider time) =>
        new MemoryStatsFacts
        {
            Entries = [],
            Obstacle = error.Code == ErrorCode.OperationTimeout ? MemoryStatsReason.MonitorHung : MemoryStatsReason.ConnectionLost,
            Detail = error.Message,
        }.ToSample(time.GetUtcNow());
}
