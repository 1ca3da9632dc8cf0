namespace Ballast;

/// <summary>How leases follow their domains into new processes: by events, and by a look where events are missing.</summary>
internal sealed partial class PeriodLeases
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1), LastRetry = TimeSpan.FromSeconds(30);

    private readonly Dictionary<Guid, CancellationTokenSource> _anew = [];
    private readonly List<Task> _running = [];
    private DomainEventSubscription? _events;
    private int _looks;
    private bool _isLooking;

    /// <summary>In turn.</summary>
    private async ValueTask SubscribeAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _events) is not null)
            return;
        try
        {
            DomainEventSubscription events = await connection.SubscribeAsync(
                new DomainEventFilter { Kinds = DomainEventKinds.Lifecycle }, cancellationToken).ConfigureAwait(false);
            events.OnResumed = Look;
            Volatile.Write(ref _events, events);
            Start(() => ReadAsync(events));
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            // Such a driver has no processes that come anew.
        }
    }

    private async ValueTask UnsubscribeAsync()
    {
        if (Interlocked.Exchange(ref _events, null) is { } events)
            await events.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReadAsync(DomainEventSubscription events)
    {
        try
        {
            await foreach (DomainEvent happened in events.WithCancellation(_lifetime.Token).ConfigureAwait(false))
            {
                if (happened is DomainLifecycleEvent { Change: DomainLifecycleChange.Started } started && IsKnown(started.Domain.Uuid))
                    Start(() => ReapplyAsync(started.Domain));
                else if (happened is EventsMissed)
                    Look();
            }
        }
        finally
        {
            // Where the connection was lost for good, the next lease finds that nobody listens.
            _ = Interlocked.CompareExchange(ref _events, null, events);
            await events.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool IsKnown(Guid uuid)
    {
        lock (_ensured)
            return _ensured.ContainsKey(uuid);
    }

    /// <summary>Something may have been missed until now: looks which domains there are, after the look that is under way.</summary>
    private void Look()
    {
        lock (_running)
        {
            _looks++;
            if (_isLooking)
                return;
            _isLooking = true;
        }

        Start(LookForNewAsync);
    }

    private async Task LookForNewAsync()
    {
        TimeSpan pause = FirstRetry;
        while (true)
        {
            int looks;
            lock (_running)
                looks = _looks;
            try
            {
                foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: _lifetime.Token).ConfigureAwait(false))
                {
                    if (IsKnown(domain.Uuid))
                        Start(() => ReapplyAsync(domain));
                }

                lock (_running)
                {
                    _isLooking = looks != _looks;
                    if (!_isLooking)
                        return;
                }
            }
            catch (Exception e) when (!_lifetime.IsCancellationRequested)
            {
                // The daemon is not back yet, or cannot say now, or the system has no room for a question.
                if (e is not LibvirtException)
                    Unattended.Note(e);
                pause = await PauseAsync(pause, _lifetime.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// A new process has no period of ours; its monitor may not be ready at once. One at a time tries it for a domain, the
    /// newest: of a domain that starts again and again, all but the last process are gone.
    /// </summary>
    private async Task ReapplyAsync(Domain domain)
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
            while (!await TryReapplyAsync(domain, newer.Token).ConfigureAwait(false))
                pause = await PauseAsync(pause, newer.Token).ConfigureAwait(false);
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
    private async Task<bool> TryReapplyAsync(Domain domain, CancellationToken newer)
    {
        await _gate.WaitAsync(newer).ConfigureAwait(false);
        try
        {
            if (_ensured.TryGetValue(domain.Uuid, out Ensured? ensured))
                await ensured.ApplyAsync(domain, _lifetime.Token).ConfigureAwait(false);
            return true;
        }
        catch (LibvirtException e)
        {
            // Gone again, or without a balloon: its next process is another chance. A lost connection says nothing of it.
            return e.Origin != ErrorOrigin.Rpc && e.Code is ErrorCode.NoDomain or ErrorCode.InternalError or ErrorCode.OperationInvalid;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Returns how long the next one is.</summary>
    private async ValueTask<TimeSpan> PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        await Task.Delay(pause, connection.Options.TimeProvider, cancellationToken).ConfigureAwait(false);
        return pause + pause < LastRetry ? pause + pause : LastRetry;
    }

    /// <summary>Something that nobody waits for until the end; from then on nothing begins any more.</summary>
    private void Start(Func<Task> run)
    {
        lock (_running)
        {
            if (_lifetime.IsCancellationRequested)
                return;
            _running.RemoveAll(done => done.IsCompleted);
            _running.Add(RunAsync());
        }

        async Task RunAsync()
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            try
            {
                await run().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Closed, or superseded; or events ended with the connection. Whatever else it is, the end still gives all back.
                if (e is not (OperationCanceledException or ObjectDisposedException or LibvirtException))
                    Unattended.Note(e);
            }
        }
    }

    /// <summary>When nothing of it runs any more.</summary>
    private Task StoppedAsync()
    {
        lock (_running)
            return Task.WhenAll(_running);
    }
}
