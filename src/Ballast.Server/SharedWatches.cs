using System.Runtime.CompilerServices;

namespace Ballast.Server;

/// <summary>
/// Watches of all clients. Those of clients that may change something share their rounds where they are of one kind (of the same
/// connection, period and options). Those of clients that may only read share all of theirs, whatever their period is.
/// </summary>
internal sealed class SharedWatches
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Connection Connection, TimeSpan Period, MemoryStatsOptions Options, bool IsReaders), SharedWatch> _watches = [];
    private readonly Dictionary<Connection, ReaderPace> _paces = [];

    /// <summary>Samples of all domains, at once and then in each period, several at a time: of each domain the newest.</summary>
    /// <param name="connection">Whose domains.</param>
    /// <param name="period">How often.</param>
    /// <param name="options">What belongs to a sample.</param>
    /// <param name="isReader">Whether it is for one who may only read, whose rounds take their time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LibvirtException">The domains can no longer be listed.</exception>
    public async IAsyncEnumerable<IReadOnlyList<WatchedSample>> JoinAsync(
        Connection connection, TimeSpan period, MemoryStatsOptions options, bool isReader,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (Connection, TimeSpan, MemoryStatsOptions, bool) kind = (connection, isReader ? TimeSpan.Zero : period, options, isReader);
        WatchMailbox mailbox = new(period, isWokenInTurn: isReader);
        SharedWatch? watch;
        lock (_gate)
        {
            // One that failed is left to those who have not left it yet.
            if (!_watches.TryGetValue(kind, out watch) || watch.HasFailed)
            {
                _watches[kind] = watch = isReader
                    ? new ReaderWatch(connection, options, PaceOf(connection))
                    : new PromptWatch(connection, period, options);
            }

            watch.Add(mailbox);
        }

        // Who joins does not wait for the next round.
        using CancellationTokenSource left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task first = watch.BeginAsync(mailbox, left.Token);
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

    // One that outlasts its watches: who comes and goes has no more rounds than who stays. The lock is held.
    private ReaderPace PaceOf(Connection connection)
    {
        if (!_paces.TryGetValue(connection, out ReaderPace? pace))
            _paces.Add(connection, pace = new ReaderPace(connection.Options.TimeProvider));
        return pace;
    }
}
