using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// The collection periods that a connection's callers ensure: set where there was none, set again when the domain comes
/// back in a new process, given back at the end.
/// </summary>
internal sealed partial class PeriodLeases(Connection connection) : IAsyncDisposable
{
    // Who holds the gate may change what is ensured, and asks the driver meanwhile. The dictionary's own lock is for looks at
    // it, and is never held over a wait. Neither the gate nor the source is disposed: who comes late finds them there.
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Dictionary<Guid, Ensured> _ensured = [];

    public async ValueTask<MemoryStatsPeriodLease> AddAsync(Domain domain, TimeSpan period, CancellationToken cancellationToken)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _lifetime.Token);
        try
        {
            await _gate.WaitAsync(either.Token).ConfigureAwait(false);
            try
            {
                return await AddInTurnAsync(domain, period, either.Token).ConfigureAwait(false);
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (OperationCanceledException) when (_lifetime.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(Connection));
        }
    }

    public bool IsOurs(Guid uuid)
    {
        lock (_ensured)
            return _ensured.TryGetValue(uuid, out Ensured? ensured) && ensured.SetTo is not null;
    }

    public async ValueTask ReleaseAsync(MemoryStatsPeriodLease lease)
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

        // A daemon that is silent shall not hold up the end for each of them.
        await EndAsync().WaitAsync(UriParameters.Bounded(connection.Options.DaemonTimeout), connection.Options.TimeProvider)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task EndAsync()
    {
        await StoppedAsync().ConfigureAwait(false);
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            KeyValuePair<Guid, Ensured>[] left;
            lock (_ensured)
                left = [.. _ensured];
            await Task.WhenAll(left.Select(pair =>
            {
                Domain domain = pair.Value.Newest ?? pair.Value.Leases[0].Domain;
                pair.Value.Leases.Clear();
                return GiveBackAsync(domain, pair.Value);
            })).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<MemoryStatsPeriodLease> AddInTurnAsync(Domain domain, TimeSpan period, CancellationToken cancellationToken)
    {
        // First, so that no new process is missed.
        await SubscribeAsync(cancellationToken).ConfigureAwait(false);
        if (!_ensured.TryGetValue(domain.Uuid, out Ensured? ensured))
            ensured = new Ensured();
        MemoryStatsPeriodLease lease = new(this, domain, period);
        ensured.Leases.Add(lease);
        try
        {
            await ensured.ApplyAsync(domain, cancellationToken).ConfigureAwait(false);
            Keep(domain.Uuid, ensured);
            return lease;
        }
        catch
        {
            ensured.Leases.Remove(lease);
            if (ensured.MayBeSet && ensured.Leases.Count == 0)
            {
                // Given up in the middle of it: it may be set all the same.
                Keep(domain.Uuid, ensured);
                Start(() => GiveBackInTurnAsync(domain, ensured));
            }
            else if (_ensured.Count == 0)
            {
                await UnsubscribeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    private void Keep(Guid uuid, Ensured ensured)
    {
        lock (_ensured)
            _ensured[uuid] = ensured;
    }

    private async Task GiveBackInTurnAsync(Domain domain, Ensured ensured)
    {
        await _gate.WaitAsync(_lifetime.Token).ConfigureAwait(false);
        try
        {
            if (ensured.Leases.Count == 0)
                await GiveBackAsync(domain, ensured).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task GiveBackAsync(Domain domain, Ensured ensured)
    {
        try
        {
            // With leases left, the period may grow to what they need.
            await ensured.ApplyAsync(ensured.Newest ?? domain, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or ObjectDisposedException)
        {
            // Gone, or silent: nothing is queued behind a silent monitor. Or the connection's end could not wait for it.
            if (e is LibvirtException { Code: not ErrorCode.NoDomain })
                connection.Log.PeriodKept(domain.Name, e);
        }

        if (ensured.Leases.Count > 0)
            return;
        bool isLast;
        lock (_ensured)
            isLast = _ensured.Remove(domain.Uuid) && _ensured.Count == 0;
        if (isLast)
            await UnsubscribeAsync().ConfigureAwait(false);
    }

    private sealed class Ensured
    {
        // What is being set; while it is not known what became of that.
        private TimeSpan? _attempt;

        public List<MemoryStatsPeriodLease> Leases { get; } = [];

        /// <summary>What we set; null where somebody else's period was there.</summary>
        public TimeSpan? SetTo { get; private set; }

        public bool MayBeSet => SetTo is not null || _attempt is not null;

        /// <summary>The process in which it was set last. A lease follows the domain into the next one, and is given back there.</summary>
        public Domain? Newest { get; private set; }

        public async ValueTask ApplyAsync(Domain domain, CancellationToken cancellationToken)
        {
            // Another process has nothing of ours; one that another caller was faster with has.
            if (Newest?.Id != domain.Id)
                (SetTo, _attempt) = (null, null);
            Newest = domain;
            TimeSpan wanted = Leases.Count == 0 ? TimeSpan.Zero : Leases.Min(lease => lease.Period);
            TimeSpan current = await domain.GetMemoryStatsPeriodAsync(cancellationToken).ConfigureAwait(false);
            bool isOurs = current != TimeSpan.Zero && (current == SetTo || current == _attempt);
            (SetTo, _attempt) = (isOurs ? current : null, null);
            if (current == wanted || (current != TimeSpan.Zero && !isOurs))
                return;
            _attempt = wanted;
            try
            {
                await domain.SetMemoryStatsPeriodAsync(wanted, cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch (LibvirtException e) when (e.Code != ErrorCode.OperationTimeout && e.Origin != ErrorOrigin.Rpc)
            {
                _attempt = null;
                throw;
            }

            (SetTo, _attempt) = (wanted == TimeSpan.Zero ? null : wanted, null);
        }
    }
}
