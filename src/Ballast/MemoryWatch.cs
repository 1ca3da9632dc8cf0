using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// Samples all domains again and again, or lets the other side do it where it can. At most one sample of each domain is under
/// way or unread.
/// </summary>
internal static class MemoryWatch
{
    /// <param name="connection">Whose domains.</param>
    /// <param name="period">How often.</param>
    /// <param name="options">What belongs to a sample.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async IAsyncEnumerable<DomainMemorySample> RunAsync(
        Connection connection, TimeSpan period, MemoryStatsOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await connection.Driver.TryWatchMemoryAsync(period, options, cancellationToken).ConfigureAwait(false) is { } sent)
        {
            await foreach (DriverSample sample in sent.WithCancellation(cancellationToken).ConfigureAwait(false))
                yield return new(new Domain(connection, sample.Domain), sample.Stats);
        }

        await foreach (DomainMemorySample sample in AskInRoundsAsync(connection, period, options, cancellationToken).ConfigureAwait(false))
            yield return sample;
    }

    private static async IAsyncEnumerable<DomainMemorySample> AskInRoundsAsync(
        Connection connection, TimeSpan period, MemoryStatsOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<DomainMemorySample> samples = Channel.CreateUnbounded<DomainMemorySample>(new() { SingleReader = true });
        ConcurrentDictionary<Guid, Task> pending = [];
        GrowingPause away = new(period);
        Task rounds = RunRoundsAsync();
        try
        {
            await foreach (DomainMemorySample sample in samples.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                pending.TryRemove(sample.Domain.Uuid, out _);
                yield return sample;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await rounds.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAll(pending.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task RunRoundsAsync()
        {
            using PeriodicTimer timer = new(period, connection.Options.TimeProvider);
            try
            {
                do
                {
                    foreach (Domain domain in await ListAsync().ConfigureAwait(false))
                    {
                        // Registered before it runs: it may be done before it returns.
                        if (pending.TryAdd(domain.Uuid, Task.CompletedTask) && AskAsync(domain) is { IsCompleted: false } asking)
                            pending.TryUpdate(domain.Uuid, asking, Task.CompletedTask);
                    }
                }
                while (await timer.WaitForNextTickAsync(stop.Token).ConfigureAwait(false));
            }
            catch (Exception e)
            {
                samples.Writer.TryComplete(e);
            }
        }

        // None of a daemon that is away: it is asked again, less and less often.
        async ValueTask<IReadOnlyList<Domain>> ListAsync()
        {
            object? link = connection.Driver.Link;
            try
            {
                IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: stop.Token).ConfigureAwait(false);
                away = new(period);
                return domains;
            }
            catch (LibvirtException e) when (connection.Driver.MayRetry(link, e))
            {
                await Task.Delay(away.Length, connection.Options.TimeProvider, stop.Token).ConfigureAwait(false);
                away.Grow();
                return [];
            }
        }

        async Task AskAsync(Domain domain)
        {
            object? link = connection.Driver.Link;
            try
            {
                MemoryStats? sample = await MemorySampling.AskAsync(
                    connection.Driver, domain.Identity, options, connection.Options.TimeProvider, stop.Token).ConfigureAwait(false);

                // Gone: that is no error here. The next round lists who is there.
                if (sample is null)
                    pending.TryRemove(domain.Uuid, out _);
                else
                    samples.Writer.TryWrite(new(domain, sample));
            }
            catch (LibvirtException e) when (connection.Driver.MayRetry(link, e))
            {
                pending.TryRemove(domain.Uuid, out _);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                samples.Writer.TryComplete(e);
            }
        }
    }
}
