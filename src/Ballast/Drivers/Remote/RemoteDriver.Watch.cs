using System.Runtime.CompilerServices;
using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    private RemoteWatches? _watches;

    private RemoteWatches Watches => LazyInitializer.EnsureInitialized(ref _watches, static () => new RemoteWatches());

    public async ValueTask<IAsyncEnumerable<DriverSample>?> TryWatchMemoryAsync(
        TimeSpan period, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        await TryStartWatchAsync(period, options, cancellationToken).ConfigureAwait(false) is var (link, watch)
            ? ReadWatchAsync(link, watch, period, options, cancellationToken)
            : null;

    private async ValueTask<(RemoteLink Link, RemoteWatch Watch)?> TryStartWatchAsync(
        TimeSpan period, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);

        // Before it is asked for: its first samples may come before the answer.
        RemoteWatch watch = Watches.Add();
        bool isStarted = false, isOver = false;
        try
        {
            WatchArgs arguments = new() { Watch = watch.Number, PeriodMilliseconds = (ulong)Math.Ceiling(period.TotalMilliseconds), Options = (uint)(options | SampleFacts.Wanted) };
            isStarted = await link.TryWatchAsync(arguments, cancellationToken).ConfigureAwait(false);
            isOver = !isStarted;
            return isStarted ? (link, watch) : null;
        }
        finally
        {
            if (!isStarted)
            {
                Watches.Remove(watch);

                // Given up before the answer: the daemon may have started it all the same.
                if (!isOver)
                    link.Unwatch(watch.Number);
            }
        }
    }

    private async IAsyncEnumerable<DriverSample> ReadWatchAsync(
        RemoteLink link, RemoteWatch watch, TimeSpan period, MemoryStatsOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            using CancellationTokenSource over = new();
            Task losing = EndWithAsync(link, watch, over.Token);
            try
            {
                while (await NextOrLostAsync(link, watch, cancellationToken).ConfigureAwait(false) is { } sample)
                    yield return sample;
            }
            finally
            {
                await over.CancelAsync().ConfigureAwait(false);
                await losing.ConfigureAwait(false);
                Watches.Remove(watch);
                link.Unwatch(watch.Number);
            }

            if (await StartAgainAsync(period, options, cancellationToken).ConfigureAwait(false) is not var (anew, again))
                yield break;
            (link, watch) = (anew, again);
        }
    }

    /// <summary>Once the daemon can be reached again, however long that takes. What is refused ends the watch: by a daemon that is there, or by what lets nobody in to it.</summary>
    private async ValueTask<(RemoteLink Link, RemoteWatch Watch)?> StartAgainAsync(
        TimeSpan period, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        for (GrowingPause pause = new(period); ; pause.Grow())
        {
            await Task.Delay(pause.Length, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            object? taken = Link;
            try
            {
                return await TryStartWatchAsync(period, options, cancellationToken).ConfigureAwait(false);
            }
            catch (LibvirtException e) when (MayRetry(taken, e) || (MayReopen && RpcErrors.SaysAway(e)))
            {
                // Not back yet.
            }
        }
    }

    /// <summary>The next sample; null where the connection was lost and may be opened again.</summary>
    private async ValueTask<DriverSample?> NextOrLostAsync(RemoteLink link, RemoteWatch watch, CancellationToken cancellationToken)
    {
        try
        {
            return await watch.NextAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException) when (link.IsLost && Reconnects && !_disposed)
        {
            return null;
        }
    }

    private static async Task EndWithAsync(RemoteLink link, RemoteWatch watch, CancellationToken over)
    {
        await link.Ended.WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (link.IsLost)
            watch.End(link.Loss);
    }
}
