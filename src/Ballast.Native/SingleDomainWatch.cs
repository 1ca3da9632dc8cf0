using System.Runtime.CompilerServices;

namespace Ballast.Native;

/// <summary>Samples one domain again and again, by the rule that holds for all: it may go and come back, and only the connection's loss ends the watch.</summary>
internal static class SingleDomainWatch
{
    public static async IAsyncEnumerable<DomainMemorySample> RunAsync(
        Connection connection, Domain domain, TimeSpan period, MemoryStatsOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(period);
        do
        {
            DomainMemorySample? sample = await AskAsync(connection, domain, options, cancellationToken).ConfigureAwait(false);
            if (sample is null && await FindAsync(connection, domain.Uuid, cancellationToken).ConfigureAwait(false) is { } found)
            {
                domain = found;
                sample = await AskAsync(connection, domain, options, cancellationToken).ConfigureAwait(false);
            }

            if (sample is { } taken)
                yield return taken;
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    // As one of several: then only the connection's loss is an error, and null is a domain that does not run.
    private static async ValueTask<DomainMemorySample?> AskAsync(
        Connection connection, Domain domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<DomainMemorySample> samples = await connection.GetMemoryStatsAsync([domain], options, cancellationToken).ConfigureAwait(false);
        return samples.Count == 0 || !connection.IsAlive ? null : samples[0];
    }

    // Where the connection is lost, it is this that fails.
    private static async ValueTask<Domain?> FindAsync(Connection connection, Guid uuid, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.LookupByUuidAsync(uuid, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            return null;
        }
    }
}
