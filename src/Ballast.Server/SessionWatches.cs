using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Server;

/// <summary>
/// What one client watches. It shares the rounds with all who watch the same; of what was not sent yet, the newest sample of
/// each domain is kept: a client that reads slowly gets fewer and holds up nobody else.
/// </summary>
internal sealed class SessionWatches(RemoteSession session)
{
    // What a timer can wait, in milliseconds.
    private const ulong MaxPeriod = uint.MaxValue - 1;

    // Shorter periods are taken for this one.
    private const ulong MinPeriod = 10, MinReaderPeriod = 100;

    // Some 64 KiB.
    private const int MaxSamplesAtOnce = 128;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, CancellationTokenSource> _watches = [];

    /// <summary>Starts a watch over the session's open connection. A refusal is returned and not thrown: some clients are refused again and again.</summary>
    /// <returns>Why it was refused; null where it began.</returns>
    public LibvirtException? Start(WatchArgs watch)
    {
        const string function = "ballastConnectWatchMemoryStats";
        if (watch.PeriodMilliseconds is 0 or > MaxPeriod)
            return LibvirtError.InvalidArgument($"period in {function} must be 1 to {MaxPeriod} milliseconds", function, "period", ErrorOrigin.Rpc);
        lock (_gate)
        {
            LibvirtServerOptions limits = session.Server.Options;
            string? refusal = _watches.ContainsKey(watch.Watch) ? $"there is a watch {watch.Watch} already"
                : _watches.Count >= limits.MaxWatches ? $"too many watches, at most {limits.MaxWatches} for one client"
                : !session.Share.TryAddWatch() ? $"too many watches, at most {limits.MaxUserWatches} for one user"
                : null;
            if (refusal is not null)
                return RpcErrors.Internal(refusal);
            CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(session.Client.Ended);
            _watches.Add(watch.Watch, end);
            session.Client.Attach(SendAllAsync(watch, end));
            return null;
        }
    }

    /// <exception cref="LibvirtException">There is no such watch.</exception>
    public void Stop(int number)
    {
        lock (_gate)
        {
            if (!_watches.TryGetValue(number, out CancellationTokenSource? end))
                throw RpcErrors.Internal($"there is no watch {number}");
            Unattended.Cancel(end);
        }
    }

    private TimeSpan Period(ulong milliseconds) =>
        TimeSpan.FromMilliseconds(Math.Max(milliseconds, session.Share.IsReader ? MinReaderPeriod : MinPeriod));

    private async Task SendAllAsync(WatchArgs watch, CancellationTokenSource end)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        LibvirtException? error = null;
        try
        {
            await foreach (IReadOnlyList<WatchedSample> samples in session.Server.Watches.JoinAsync(
                session.Shared, Period(watch.PeriodMilliseconds), SampleFacts.Options(watch.Options), session.Share.IsReader, end.Token).ConfigureAwait(false))
            {
                foreach (WatchedSample[] some in samples.Chunk(MaxSamplesAtOnce))
                {
                    WatchSamplesEvent message = new() { Watch = watch.Watch, Samples = [.. some.Select(sample => sample.Record)] };
                    await session.Client.SendEventAsync(RpcPrograms.Ballast, (int)BallastProcedure.WatchSamples, message).ConfigureAwait(false);
                }
            }
        }
        catch (LibvirtException e)
        {
            error = e;
        }
        catch (OperationCanceledException)
        {
            // The client wants no more, or is gone.
        }
        finally
        {
            session.Share.RemoveWatch();
            lock (_gate)
            {
                _watches.Remove(watch.Watch);
                end.Dispose();
            }
        }

        if (error is not null)
        {
            WatchEndedEvent message = new() { Watch = watch.Watch, Error = RemoteError.From(error) };
            await session.Client.SendEventAsync(RpcPrograms.Ballast, (int)BallastProcedure.WatchEnded, message).ConfigureAwait(false);
        }
    }
}
