using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// The collection periods that a connection's callers ensure: set where there was none, set again when the domain comes
/// back in a new process, given back at the end.
/// </summary>
internal sealed class EnsuredPeriods(Connection connection) : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1), LastRetry = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Dictionary<Guid, Ensured> _ensured = [];
    private readonly Dictionary<Guid, CancellationTokenSource> _anew = [];
    private DomainEventSubscription? _events;
    private Task _reading = Task.CompletedTask;

    public async ValueTask<EnsuredMemoryStatsPeriod> AddAsync(Domain domain, int seconds, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // First, so that no new process is missed.
            await SubscribeAsync(cancellationToken).ConfigureAwait(false);
            if (!_ensured.TryGetValue(domain.Uuid, out Ensured? ensured))
                ensured = new Ensured();
            EnsuredMemoryStatsPeriod lease = new(this, domain, seconds);
            ensured.Leases.Add(lease);
            try
            {
                await ensured.ApplyAsync(domain, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                ensured.Leases.Remove(lease);
                throw;
            }

            lock (_ensured)
                _ensured[domain.Uuid] = ensured;
            return lease;
        }
        finally
        {
            _gate.Release();
        }
    }

    public bool IsOurs(Guid uuid)
    {
        lock (_ensured)
            return _ensured.TryGetValue(uuid, out Ensured? ensured) && ensured.SetTo is not null;
    }

    public async ValueTask ReleaseAsync(EnsuredMemoryStatsPeriod lease)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_ensured.TryGetValue(lease.Domain.Uuid, out Ensured? ensured) && ensured.Leases.Remove(lease))
                await GiveBackAsync(lease.Domain, ensured).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _lifetime.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        EnsuredMemoryStatsPeriod[] leases = [.. _ensured.Values.SelectMany(ensured => ensured.Leases)];

        // One after the other; a daemon that is silent shall not hold up the end for each of them.
        await Task.WhenAll(leases.Select(lease => lease.DisposeAsync().AsTask()))
            .WaitAsync(UriParameters.Bounded(connection.Options.DaemonTimeout), connection.Options.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask GiveBackAsync(Domain domain, Ensured ensured)
    {
        try
        {
            // With leases left, the period may grow to what they need.
            await ensured.ApplyAsync(ensured.Newest ?? domain, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // Gone, or silent: nothing is queued behind a silent monitor.
        }

        if (ensured.Leases.Count > 0)
            return;
        lock (_ensured)
            _ensured.Remove(domain.Uuid);
        if (_ensured.Count == 0 && Interlocked.Exchange(ref _events, null) is { } events)
            await events.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask SubscribeAsync(CancellationToken cancellationToken)
    {
        if (_events is not null)
            return;
        try
        {
            _events = await connection.SubscribeAsync(
                new DomainEventFilter { Kinds = DomainEventKinds.Lifecycle }, cancellationToken).ConfigureAwait(false);
            _reading = ReadAsync(_events);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            // Such a driver has no processes that come anew.
        }
    }

    private async Task ReadAsync(DomainEventSubscription events)
    {
        await foreach (DomainEvent happened in events.WithCancellation(_lifetime.Token).ConfigureAwait(false))
        {
            if (happened is DomainLifecycleEvent { Change: DomainLifecycleChange.Started } started && IsKnown(started.Domain.Uuid))
                _ = ApplyAnewAsync(started.Domain);
            else if (happened is MissedEvents)
                await LookForNewAsync().ConfigureAwait(false);
        }
    }

    private bool IsKnown(Guid uuid)
    {
        lock (_ensured)
            return _ensured.ContainsKey(uuid);
    }

    private async Task LookForNewAsync()
    {
        foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: _lifetime.Token).ConfigureAwait(false))
        {
            if (IsKnown(domain.Uuid))
                await ApplyAnewAsync(domain).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A new process has no period of ours; its monitor may not be ready at once. One at a time tries it for a domain, the
    /// newest: of a domain that starts again and again, all but the last process are gone.
    /// </summary>
    private async Task ApplyAnewAsync(Domain domain)
    {
        using CancellationTokenSource newer = CancellationTokenSource.CreateLinkedTokenSource(_lifetime.Token);
        lock (_anew)
        {
            if (_anew.TryGetValue(domain.Uuid, out CancellationTokenSource? older))
                _ = older.CancelAsync();
            _anew[domain.Uuid] = newer;
        }

        try
        {
            TimeSpan pause = FirstRetry;
            while (!await TryApplyAnewAsync(domain, newer.Token).ConfigureAwait(false))
            {
                await Task.Delay(pause, connection.Options.TimeProvider, newer.Token).ConfigureAwait(false);
                pause = pause + pause < LastRetry ? pause + pause : LastRetry;
            }
        }
        finally
        {
            lock (_anew)
            {
                if (_anew.GetValueOrDefault(domain.Uuid) == newer)
                    _anew.Remove(domain.Uuid);
            }
        }
    }

    /// <param name="domain">The new process.</param>
    /// <param name="newer">Gives up before it is asked; what is begun is not left half done.</param>
    private async Task<bool> TryApplyAnewAsync(Domain domain, CancellationToken newer)
    {
        await _gate.WaitAsync(newer).ConfigureAwait(false);
        try
        {
            if (!_ensured.TryGetValue(domain.Uuid, out Ensured? ensured))
                return true;
            await ensured.ApplyAsync(domain, _lifetime.Token).ConfigureAwait(false);
            return true;
        }
        catch (LibvirtException e)
        {
            // Gone again, or without a balloon: its next process is another chance.
            return e.Code is ErrorCode.NoDomain or ErrorCode.InternalError or ErrorCode.OperationInvalid;
        }
        finally
        {
            _gate.Release();
        }
    }

    private sealed class Ensured
    {
        public List<EnsuredMemoryStatsPeriod> Leases { get; } = [];

        /// <summary>What we set; null where somebody else's period was there.</summary>
        public int? SetTo { get; set; }

        /// <summary>The process in which it was set last. A lease follows the domain into the next one, and is given back there.</summary>
        public Domain? Newest { get; private set; }

        public async ValueTask ApplyAsync(Domain domain, CancellationToken cancellationToken)
        {
            // Another process has nothing of ours; one that another caller was faster with has.
            if (Newest?.Id != domain.Id)
                SetTo = null;
            Newest = domain;
            int wanted = Leases.Count == 0 ? 0 : Leases.Min(lease => lease.Seconds);
            int current = await domain.GetMemoryStatsPeriodAsync(cancellationToken).ConfigureAwait(false);
            bool isOurs = SetTo is not null && current == SetTo;
            if (!isOurs)
                SetTo = null;
            if (current == wanted || (current != 0 && !isOurs))
                return;
            await domain.SetMemoryStatsPeriodAsync(wanted, cancellationToken: cancellationToken).ConfigureAwait(false);
            SetTo = wanted == 0 ? null : wanted;
        }
    }
}
