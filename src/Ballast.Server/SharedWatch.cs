using System.Runtime.ExceptionServices;
using Ballast.Drivers;

namespace Ballast.Server;

/// <summary>Rounds, and for whom they are.</summary>
internal abstract class SharedWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private Task? _rounds;
    private Exception? _error;
    private TaskCompletionSource? _changed;

    public bool HasFailed => Volatile.Read(ref _error) is not null;

    protected Lock Gate { get; } = new();

    /// <summary>Of those who watch; the lock is held.</summary>
    protected List<WatchMailbox> Mailboxes { get; } = [];

    /// <summary>Ends when nobody watches any more.</summary>
    protected CancellationToken End => _end.Token;

    public virtual void Add(WatchMailbox mailbox)
    {
        lock (Gate)
        {
            Mailboxes.Add(mailbox);
            _changed?.TrySetResult();

            // Not before: a round without anybody to go to would be lost.
            _rounds ??= RunToTheEndAsync();
        }
    }

    /// <returns>Whether nobody is left.</returns>
    public bool Remove(WatchMailbox mailbox)
    {
        lock (Gate)
        {
            Mailboxes.Remove(mailbox);
            _changed?.TrySetResult();
            return Mailboxes.Count == 0;
        }
    }

    /// <summary>What one who joined gets before the next round.</summary>
    public virtual Task BeginAsync(WatchMailbox mailbox, CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask<IReadOnlyList<WatchedSample>> TakeAsync(WatchMailbox mailbox, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task filled;
            lock (Gate)
            {
                // Who asks for more has sent what it had.
                IReadOnlyCollection<WatchedSample> samples = mailbox.TakeAll();
                _changed?.TrySetResult();
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
        if (_rounds is { } rounds)
            await rounds.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    /// <summary>Its rounds, until nobody watches any more.</summary>
    protected abstract Task RunAsync();

    /// <summary>Somebody waits for what is in its mailbox, or for the error; the lock is held.</summary>
    protected abstract void WakeAll();

    /// <summary>Ends when somebody comes, goes, or has sent what it had. The lock is held.</summary>
    protected Task Changed()
    {
        if (_changed is not { Task.IsCompleted: false })
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _changed.Task;
    }

    private async Task RunToTheEndAsync()
    {
        // Whoever joins holds locks.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

        // They are all readers', and not the turn of who joined first.
        CallOrigin.Reader = this is ReaderWatch ? this : null;
        try
        {
            await RunAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            lock (Gate)
            {
                _error = e;
                WakeAll();
            }
        }
    }
}

/// <summary>For those who may change something: each domain is asked in each period.</summary>
internal sealed class PromptWatch(Connection connection, TimeSpan period, MemoryStatsOptions options) : SharedWatch
{
    private bool _hasBegun;

    public override void Add(WatchMailbox mailbox)
    {
        lock (Gate)
        {
            // The first one has the first round.
            if (!_hasBegun)
                mailbox.EndFirst();
            _hasBegun = true;
            base.Add(mailbox);
        }
    }

    /// <summary>A round for one who joined; of a domain that a round of all had meanwhile, no second sample.</summary>
    public override async Task BeginAsync(WatchMailbox mailbox, CancellationToken cancellationToken)
    {
        lock (Gate)
        {
            if (!mailbox.IsBeginning)
                return;
        }

        try
        {
            IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            await Task.WhenAll(domains.Select(AskAsync)).ConfigureAwait(false);
        }
        finally
        {
            lock (Gate)
                mailbox.EndFirst();
        }

        async Task AskAsync(Domain domain)
        {
            MemoryStats? sample = await MemorySampling.AskAsync(
                connection.Driver, domain.Identity, options, connection.Options.TimeProvider, cancellationToken).ConfigureAwait(false);
            if (sample is null)
                return;
            WatchedSample first = new(new DomainMemorySample(domain, sample), options);
            lock (Gate)
                mailbox.PutFirst(first);
        }
    }

    protected override async Task RunAsync()
    {
        await foreach (DomainMemorySample sample in MemoryWatch.RunAsync(connection, period, options, End).ConfigureAwait(false))
        {
            if (Deliver(new WatchedSample(sample, options)) is { } emptied)
                await emptied.WaitAsync(End).ConfigureAwait(false);
        }
    }

    protected override void WakeAll()
    {
        foreach (WatchMailbox mailbox in Mailboxes)
            mailbox.Wake();
    }

    /// <summary>Gives a sample to all; where none of them has sent its last one, what to wait for before the next.</summary>
    private Task? Deliver(WatchedSample sample)
    {
        lock (Gate)
        {
            bool isWanted = Mailboxes.Count == 0;
            foreach (WatchMailbox mailbox in Mailboxes)
                isWanted |= mailbox.Put(sample);
            return isWanted ? null : Changed();
        }
    }
}
