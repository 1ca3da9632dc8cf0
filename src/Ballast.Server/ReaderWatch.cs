using Ballast.Drivers;

namespace Ballast.Server;

/// <summary>
/// The watches of all who may only read. Each wants a round in each period of its own; a round is for all who want one when it
/// begins, and as many as there may be get no more of them than <see cref="ReaderPace"/> allows. Who has not sent its last
/// samples wants none.
/// </summary>
internal sealed class ReaderWatch : SharedWatch
{
    // Samples that come within it are sent together.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

    // Shorter than the scheduler of a busy host makes anybody wait.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(4);

    private readonly Connection _connection;
    private readonly MemoryStatsOptions _options;
    private readonly ReaderPace _pace;
    private readonly TimeProvider _time;
    private readonly long _start;

    // Those who get the sample that a domain was asked for; the lock is held.
    private readonly Dictionary<Guid, HashSet<WatchMailbox>> _asked = [];
    private bool _isWaking;

    /// <param name="connection">Whose domains.</param>
    /// <param name="options">What belongs to a sample.</param>
    /// <param name="pace">Of all such watches of the connection.</param>
    public ReaderWatch(Connection connection, MemoryStatsOptions options, ReaderPace pace)
    {
        (_connection, _options, _pace) = (connection, options, pace);
        _time = connection.Options.TimeProvider;
        _start = _time.GetTimestamp();
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    protected override async Task RunAsync()
    {
        while (true)
        {
            while (Wait() is { } wait)
            {
                await wait.Changed.WaitAsync(wait.Time, _time, End).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                End.ThrowIfCancellationRequested();
            }

            IReadOnlyList<Domain> domains = await _connection.ListDomainsAsync(cancellationToken: End).ConfigureAwait(false);
            _pace.Has(domains.Count);
            // Who was due may have left since.
            if (TakeDue(Now) is { Length: > 0 } due)
                await AskAsync(domains, due, ReaderPace.Between(domains.Count) / 2).ConfigureAwait(false);
        }
    }

    protected override void WakeAll()
    {
        if (_isWaking)
            return;
        _isWaking = true;
        _ = WakeInTurnAsync();
    }

    /// <summary>How long to wait at most, and for whom, before a round can begin; null where one begins.</summary>
    private (TimeSpan Time, Task Changed)? Wait()
    {
        lock (Gate)
        {
            TimeSpan due = Mailboxes.Where(mailbox => mailbox.IsEmpty).Select(mailbox => mailbox.Due).DefaultIfEmpty(TimeSpan.MaxValue).Min();
            if (due == TimeSpan.MaxValue)
                return (Timeout.InfiniteTimeSpan, Changed());
            TimeSpan wait = due - Now;
            if (wait <= TimeSpan.Zero)
                wait = _pace.TryTake();
            return wait > TimeSpan.Zero ? (wait, Changed()) : null;
        }
    }

    private WatchMailbox[] TakeDue(TimeSpan now)
    {
        lock (Gate)
        {
            WatchMailbox[] due = [.. Mailboxes.Where(mailbox => mailbox.IsEmpty && mailbox.Due <= now)];
            foreach (WatchMailbox mailbox in due)
                mailbox.HasRound(now);
            return due;
        }
    }

    /// <summary>Hypervisors that are all asked at once all want a processor at once, so the questions are spread.</summary>
    private async Task AskAsync(IReadOnlyList<Domain> domains, WatchMailbox[] watchers, TimeSpan spread)
    {
        TimeSpan pause = spread / Math.Max(1, domains.Count);
        pause = pause < ShortestPause ? ShortestPause : pause;
        int portion = (int)Math.Ceiling(domains.Count * (pause / spread));
        foreach (Domain[] some in domains.Chunk(Math.Max(1, portion)))
        {
            foreach (Domain domain in some)
            {
                bool isAsked;
                lock (Gate)
                {
                    isAsked = _asked.TryGetValue(domain.Uuid, out HashSet<WatchMailbox>? waiting);
                    if (isAsked)
                        waiting!.UnionWith(watchers);
                    else
                        _asked.Add(domain.Uuid, [.. watchers]);
                }

                if (!isAsked)
                    _ = AskAsync(domain);
            }

            await Task.Delay(pause, _time, End).ConfigureAwait(false);
        }
    }

    private async Task AskAsync(Domain domain)
    {
        WatchedSample? sample = null;
        try
        {
            if (await MemorySampling.AskAsync(_connection.Driver, domain.Identity, _options, _time, End).ConfigureAwait(false) is { } stats)
                sample = new WatchedSample(new DomainMemorySample(domain, stats), _options);
        }
        catch (OperationCanceledException)
        {
            // Nobody watches any more.
        }
        finally
        {
            lock (Gate)
            {
                if (_asked.Remove(domain.Uuid, out HashSet<WatchMailbox>? watchers) && sample is not null)
                {
                    foreach (WatchMailbox mailbox in watchers)
                        _ = mailbox.Put(sample);
                    WakeAll();
                }
            }
        }
    }

    /// <summary>
    /// Wakes all who have something to send. They send one after the other, on one of the runtime's workers: as many as there may be leave
    /// the others to whoever else has something to do.
    /// </summary>
    private async Task WakeInTurnAsync()
    {
        await Task.Delay(Moment, _time).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        TaskCompletionSource[] waiting;
        lock (Gate)
        {
            _isWaking = false;
            waiting = [.. Mailboxes.Select(mailbox => mailbox.TakeFilled(HasFailed)).OfType<TaskCompletionSource>()];
        }

        foreach (TaskCompletionSource filled in waiting)
            filled.TrySetResult();
    }
}
