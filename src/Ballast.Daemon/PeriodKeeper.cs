using Ballast.Server;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>
/// Has every guest report its memory: a lease on the collection period of each domain, taken when it comes, looked after
/// from time to time, and given back at the end. A period that somebody else set is left alone.
/// </summary>
internal sealed partial class PeriodKeeper : IAsyncDisposable
{
    // A client that was killed within a refresh, and a QEMU that was silent, are made up for then.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30), LongestGiveBack = TimeSpan.FromSeconds(4), LongestEnd = TimeSpan.FromMilliseconds(300);

    private readonly Connection _connection;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _come = new(0);
    private readonly Dictionary<Guid, (MemoryStatsPeriodLease Lease, int? Id)> _leases = [];
    private readonly Task _keeping;
    private volatile int _seconds;

    public PeriodKeeper(Connection connection, int seconds, ILogger log)
    {
        _connection = connection;
        _log = log;
        _seconds = seconds;
        _keeping = Task.Run(KeepAsync);
    }

    /// <summary>Another period, in seconds; 0 gives all back.</summary>
    public void Change(int seconds)
    {
        if (_seconds == seconds)
            return;
        _seconds = seconds;
        _ = _come.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);

        // All at once: a QEMU that is silent keeps no other's period.
        await LibvirtServer.EndPeriodsAsync(_connection).WaitAsync(LongestEnd).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _keeping.WaitAsync(LongestEnd).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_keeping.IsCompleted)
            _end.Dispose();
    }

    private async Task KeepAsync()
    {
        CancellationToken token = _end.Token;
        while (!token.IsCancellationRequested)
        {
            if (_seconds == 0)
            {
                await GiveBackAsync([.. _leases.Keys]).ConfigureAwait(false);
                await _come.WaitAsync(token).ConfigureAwait(false);
                continue;
            }

            try
            {
                await using DomainEventSubscription events = await _connection.SubscribeAsync(
                    new DomainEventFilter { Kinds = DomainEventKinds.Lifecycle }, token).ConfigureAwait(false);
                using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(token);
                Task reading = ReadAsync(events, over.Token);
                while (_seconds != 0)
                {
                    await KeepAllAsync(_seconds, token).ConfigureAwait(false);
                    _ = await _come.WaitAsync(Interval, token).ConfigureAwait(false);
                }

                await over.CancelAsync().ConfigureAwait(false);
                await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e) when (!token.IsCancellationRequested)
            {
                Failed(_log, e is LibvirtException ? e.Message : $"{e.GetType().Name}: {e.Message}");
                await Task.Delay(Interval, token).ConfigureAwait(false);
            }
        }
    }

    private async Task ReadAsync(DomainEventSubscription events, CancellationToken token)
    {
        await foreach (DomainEvent happened in events.WithCancellation(token).ConfigureAwait(false))
        {
            // One look is enough for all that came.
            if (happened is (DomainLifecycleEvent { Change: DomainLifecycleChange.Started } or EventsMissed) && _come.CurrentCount == 0)
                _ = _come.Release();
        }
    }

    private async Task KeepAllAsync(int seconds, CancellationToken token)
    {
        IReadOnlyList<Domain> all = await _connection.ListDomainsAsync(cancellationToken: token).ConfigureAwait(false);
        await GiveBackAsync([.. _leases.Keys.Except(all.Select(domain => domain.Uuid))]).ConfigureAwait(false);
        (Domain Domain, MemoryStatsPeriodLease? Lease)[] taken = await Task.WhenAll(all.Select(async domain => (domain, await TryEnsureAsync(domain, seconds, token).ConfigureAwait(false)))).ConfigureAwait(false);
        foreach ((Domain domain, MemoryStatsPeriodLease? lease) in taken)
        {
            if (lease is null)
                continue;
            bool isKnown = _leases.TryGetValue(domain.Uuid, out (MemoryStatsPeriodLease Lease, int? Id) older);
            _leases[domain.Uuid] = (lease, domain.Id);
            if (lease.IsOurs && !(isKnown && older.Id == domain.Id && older.Lease.Period.TotalSeconds == seconds))
                Ensured(_log, LibvirtServer.QuoteName(domain), seconds);
            if (isKnown)
                await older.Lease.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Silent, managed by others, without a balloon: perhaps the next time.
    private static async Task<MemoryStatsPeriodLease?> TryEnsureAsync(Domain domain, int seconds, CancellationToken token)
    {
        try
        {
            return await domain.EnsureMemoryStatsPeriodAsync(TimeSpan.FromSeconds(seconds), token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or IOException)
        {
            return null;
        }
    }

    private async Task GiveBackAsync(Guid[] uuids)
    {
        // A QEMU that is silent shall not hold up the others for long.
        MemoryStatsPeriodLease[] leases = [.. uuids.Select(uuid => _leases.Remove(uuid, out (MemoryStatsPeriodLease Lease, int? Id) kept) ? kept.Lease : null).OfType<MemoryStatsPeriodLease>()];
        await Task.WhenAll(leases.Select(lease => lease.DisposeAsync().AsTask())).WaitAsync(LongestGiveBack).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(40, LogLevel.Information, "Domain {Domain}: collection was off, its period is {Seconds} s now")]
    private static partial void Ensured(ILogger log, string domain, int seconds);

    [LoggerMessage(41, LogLevel.Warning, "Cannot check the guests' collection periods: {Reason}")]
    private static partial void Failed(ILogger log, string reason);
}
