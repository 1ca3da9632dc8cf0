using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Ballast.Drivers;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Server;

/// <summary>
/// Watches of all clients: those of one kind (of the same connection, period and options) share their rounds, so that as many
/// as there may be ask each domain no more often than one. Those of clients that may only read have rounds of their own, which
/// take their time.
/// </summary>
internal sealed class SharedWatches
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Connection Connection, TimeSpan Period, MemoryStatsOptions Options, bool Gathers), SharedWatch> _watches = [];

    /// <summary>Samples of all domains, at once and then in each period, several at a time: of each domain the newest.</summary>
    /// <param name="connection">Whose domains.</param>
    /// <param name="period">How often.</param>
    /// <param name="options">What belongs to a sample.</param>
    /// <param name="gathers">
    /// Whether domains are asked a few at a time, and samples that come within a moment are sent together: both leave the
    /// processors to others.
    /// </param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LibvirtException">The domains can no longer be listed.</exception>
    public async IAsyncEnumerable<IReadOnlyList<WatchedSample>> JoinAsync(
        Connection connection, TimeSpan period, MemoryStatsOptions options, bool gathers,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (Connection, TimeSpan, MemoryStatsOptions, bool) kind = (connection, period, options, gathers);
        WatchMailbox mailbox = new(gathers);
        SharedWatch? watch;
        bool isFirst = false;
        lock (_gate)
        {
            // One that failed is left to those who have not left it yet.
            if (!_watches.TryGetValue(kind, out watch) || watch.HasFailed)
            {
                _watches[kind] = watch = new SharedWatch(connection, period, options, gathers);
                isFirst = true;
                mailbox.EndFirst();
            }

            watch.Add(mailbox);
        }

        // Who joins does not wait for the next round.
        using CancellationTokenSource left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task first = isFirst ? Task.CompletedTask : watch.BeginAsync(mailbox, connection, options, left.Token);
        try
        {
            while (true)
                yield return await watch.TakeAsync(mailbox, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await left.CancelAsync().ConfigureAwait(false);
            await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            bool isLast;
            lock (_gate)
            {
                isLast = watch.Remove(mailbox);
                if (isLast && _watches.GetValueOrDefault(kind) == watch)
                    _watches.Remove(kind);
            }

            if (isLast)
                await watch.DisposeAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>The rounds of one kind of watch, and for whom they are.</summary>
internal sealed class SharedWatch : IAsyncDisposable
{
    // Both are short beside the shortest period of those who gather.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20), Spread = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly List<WatchMailbox> _mailboxes = [];
    private readonly CancellationTokenSource _end = new();
    private readonly TimeProvider _time;
    private readonly bool _gathers;
    private readonly Task _asking;
    private Exception? _error;
    private TaskCompletionSource? _emptied;
    private bool _isGathering;

    public SharedWatch(Connection connection, TimeSpan period, MemoryStatsOptions options, bool gathers)
    {
        _time = connection.Options.TimeProvider;
        _gathers = gathers;
        _asking = AskAsync(connection, period, options);
    }

    public bool HasFailed => Volatile.Read(ref _error) is not null;

    public void Add(WatchMailbox mailbox)
    {
        lock (_gate)
        {
            _mailboxes.Add(mailbox);
            _emptied?.TrySetResult();
        }
    }

    /// <returns>Whether nobody is left.</returns>
    public bool Remove(WatchMailbox mailbox)
    {
        lock (_gate)
        {
            _mailboxes.Remove(mailbox);
            _emptied?.TrySetResult();
            return _mailboxes.Count == 0;
        }
    }

    /// <summary>A round for one who joined; of a domain that a round of all had meanwhile, no second sample.</summary>
    public async Task BeginAsync(WatchMailbox mailbox, Connection connection, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await Task.WhenAll(domains.Select(AskAsync)).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                mailbox.EndFirst();
        }

        async Task AskAsync(Domain domain)
        {
            MemoryStats? sample = await MemorySampling.AskAsync(
                connection.Driver, domain.Identity, options, connection.Options.TimeProvider, cancellationToken).ConfigureAwait(false);
            if (sample is null)
                return;
            WatchedSample first = new(new DomainMemorySample(domain, sample), options);
            lock (_gate)
            {
                mailbox.PutFirst(first);
                Gather();
            }
        }
    }

    public async ValueTask<IReadOnlyList<WatchedSample>> TakeAsync(WatchMailbox mailbox, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task filled;
            lock (_gate)
            {
                // Who asks for more has sent what it had.
                IReadOnlyCollection<WatchedSample> samples = mailbox.TakeAll();
                _emptied?.TrySetResult();
                if (samples.Count > 0)
                    return [.. samples];
                if (_error is not null)
                    ExceptionDispatchInfo.Throw(_error);
                filled = mailbox.Filled();
            }

            await filled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AskAsync(Connection connection, TimeSpan period, MemoryStatsOptions options)
    {
        // Whoever made it holds a lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await foreach (DomainMemorySample sample in MemoryWatch.RunAsync(connection, period, options, _gathers ? Spread : TimeSpan.Zero, _end.Token).ConfigureAwait(false))
            {
                if (Deliver(new WatchedSample(sample, options)) is { } emptied)
                    await emptied.WaitAsync(_end.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _error = e;
                foreach (WatchMailbox mailbox in _mailboxes)
                    mailbox.Wake();
                Gather();
            }
        }
    }

    // The lock is held.
    private void Gather()
    {
        if (_isGathering || !_gathers)
            return;
        _isGathering = true;
        _ = WakeAsync();
    }

    /// <summary>
    /// Wakes all who have something to send. They send one after the other, on one of the runtime's workers: as many as there may be leave
    /// the others to whoever else has something to do.
    /// </summary>
    private async Task WakeAsync()
    {
        await Task.Delay(Moment, _time).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        TaskCompletionSource[] waiting;
        lock (_gate)
        {
            _isGathering = false;
            waiting = [.. _mailboxes.Select(mailbox => mailbox.TakeFilled(_error is not null)).OfType<TaskCompletionSource>()];
        }

        foreach (TaskCompletionSource filled in waiting)
            filled.TrySetResult();
    }

    /// <summary>Gives a sample to all; where none of them has sent its last one, what to wait for before the next.</summary>
    private Task? Deliver(WatchedSample sample)
    {
        lock (_gate)
        {
            bool isWanted = _mailboxes.Count == 0;
            foreach (WatchMailbox mailbox in _mailboxes)
                isWanted |= mailbox.Put(sample);
            Gather();
            if (isWanted)
                return null;
            _emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _emptied.Task;
        }
    }
}

/// <summary>A sample as it is sent: made once, however many watch.</summary>
internal sealed class WatchedSample(in DomainMemorySample sample, MemoryStatsOptions options)
{
    public Guid Domain { get; } = sample.Domain.Uuid;

    public SampleRecord Record { get; } = BallastProgram.ToRecord(sample.Domain, sample.Stats, options);
}

/// <summary>What came for one watcher and was not taken yet: of each domain the newest sample. Its watch's lock is held.</summary>
/// <param name="gathers">Whether its watch wakes it, a moment after something came, instead of what came.</param>
internal sealed class WatchMailbox(bool gathers)
{
    private Dictionary<Guid, WatchedSample> _unread = [];
    private Dictionary<Guid, WatchedSample> _unsent = [];

    // What came of itself, until all that was asked for at first has come; then null.
    private HashSet<Guid>? _came = [];
    private TaskCompletionSource? _filled;

    /// <returns>Whether the domain's last one was sent.</returns>
    public bool Put(WatchedSample sample)
    {
        bool isWanted = !_unread.ContainsKey(sample.Domain) && !_unsent.ContainsKey(sample.Domain);
        _unread[sample.Domain] = sample;
        _came?.Add(sample.Domain);
        Wake();
        return isWanted;
    }

    /// <summary>One that was asked for when its watcher joined, and may be older than what came since.</summary>
    public void PutFirst(WatchedSample sample)
    {
        if (_came?.Contains(sample.Domain) == false)
            _ = Put(sample);
    }

    public void EndFirst() => _came = null;

    /// <summary>Takes what there is; what was taken before was sent.</summary>
    public IReadOnlyCollection<WatchedSample> TakeAll()
    {
        _unsent.Clear();
        (_unread, _unsent) = (_unsent, _unread);
        return _unsent.Values;
    }

    /// <summary>Ends when there is something to take, or nothing comes any more.</summary>
    public Task Filled() =>
        (_filled ??= new TaskCompletionSource(gathers ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>What ends the waiting of one who gathers, which then goes on where it is ended; null where it is to go on waiting.</summary>
    public TaskCompletionSource? TakeFilled(bool hasFailed)
    {
        TaskCompletionSource? filled = null;
        if (_unread.Count > 0 || hasFailed)
            (filled, _filled) = (_filled, null);
        return filled;
    }

    public void Wake()
    {
        if (gathers)
            return;
        _filled?.TrySetResult();
        _filled = null;
    }
}
