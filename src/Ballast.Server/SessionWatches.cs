using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Server;

/// <summary>
/// What one client watches. The next sample of a domain is taken when its last one was sent: a client that reads slowly
/// gets fewer, holds up nobody else, and costs no more memory than its connection's buffer.
/// </summary>
internal sealed class SessionWatches(RemoteSession session)
{
    // What a timer can wait, in milliseconds.
    private const ulong MaxPeriod = uint.MaxValue - 1;

    // A round lists the domains, however slowly the client reads: shorter periods are taken for this one.
    private const ulong MinPeriod = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, CancellationTokenSource> _watches = [];

    /// <exception cref="LibvirtException">The period, the number, or one more of them cannot be.</exception>
    public void Start(WatchArgs watch)
    {
        const string function = "ballastConnectWatchMemoryStats";
        session.RequireOpen();
        if (watch.PeriodMilliseconds is 0 or > MaxPeriod)
            throw LibvirtError.InvalidArgument($"period in {function} must be 1 to {MaxPeriod} milliseconds", function, "period", ErrorOrigin.Rpc);
        CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(session.Client.Ended);
        lock (_gate)
        {
            int most = session.Server.Options.MaxWatches;
            if (_watches.Count < most && _watches.TryAdd(watch.Watch, end))
            {
                session.Client.Watch(SendAllAsync(watch, end));
                return;
            }

            end.Dispose();
            throw RpcErrors.Internal(_watches.ContainsKey(watch.Watch)
                ? $"there is a watch {watch.Watch} already"
                : $"too many watches, at most {most} for one client");
        }
    }

    /// <exception cref="LibvirtException">There is no such watch.</exception>
    public void Stop(int number)
    {
        lock (_gate)
        {
            if (!_watches.TryGetValue(number, out CancellationTokenSource? end))
                throw RpcErrors.Internal($"there is no watch {number}");
            end.Cancel();
        }
    }

    private async Task SendAllAsync(WatchArgs watch, CancellationTokenSource end)
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        LibvirtException? error = null;
        try
        {
            await foreach (DomainMemorySample sample in session.Connection.WatchMemoryStatsAsync(
                TimeSpan.FromMilliseconds(Math.Max(watch.PeriodMilliseconds, MinPeriod)), (MemoryStatsOptions)watch.Options, end.Token).ConfigureAwait(false))
            {
                WatchSamplesEvent message = new() { Watch = watch.Watch, Samples = [BallastProgram.ToRecord(sample.Domain, sample.Stats)] };
                await session.Client.SendEventAsync(RpcPrograms.Ballast, (int)BallastProcedure.WatchSamples, message).ConfigureAwait(false);
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
