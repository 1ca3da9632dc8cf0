using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Server;

/// <summary>A sample as it is sent: made once, however many watch.</summary>
internal sealed class WatchedSample(in DomainMemorySample sample, MemoryStatsOptions options)
{
    public Guid Domain { get; } = sample.Domain.Uuid;

    public SampleRecord Record { get; } = BallastProgram.ToRecord(sample.Domain, sample.Stats, options);
}

/// <summary>What came for one watcher and was not taken yet: of each domain the newest sample. Its watch's lock is held.</summary>
/// <param name="period">How often its watcher wants samples.</param>
/// <param name="isWokenInTurn">Whether its watch wakes it, one after the other, instead of what came.</param>
internal sealed class WatchMailbox(TimeSpan period, bool isWokenInTurn)
{
    private Dictionary<Guid, WatchedSample> _unread = [];
    private Dictionary<Guid, WatchedSample> _unsent = [];

    // What came of itself, until all that was asked for at first has come; then null.
    private HashSet<Guid>? _came = [];
    private TaskCompletionSource? _filled;

    /// <summary>Whether all that came for it was sent.</summary>
    public bool IsEmpty => _unread.Count == 0 && _unsent.Count == 0;

    /// <summary>Whether its watcher joined others and has not got yet what was asked for it alone.</summary>
    public bool IsBeginning => _came is not null;

    /// <summary>When it wants its next round, where rounds are for those who want one: its watch's time.</summary>
    public TimeSpan Due { get; private set; }

    /// <summary>It has a round; the next is due a period later, or after the one that was due, where that is still to come.</summary>
    public void HasRound(TimeSpan now) => Due = Due + period > now ? Due + period : now + period;

    /// <returns>Whether the domain's last one was sent.</returns>
    public bool Put(WatchedSample sample)
    {
        bool isWanted = !_unread.ContainsKey(sample.Domain) && !_unsent.ContainsKey(sample.Domain);
        _unread[sample.Domain] = sample;
        _came?.Add(sample.Domain);
        if (!isWokenInTurn)
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
        (_filled ??= new TaskCompletionSource(isWokenInTurn ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>What ends the waiting of one who is woken in turn, and goes on where it is ended; null where it is to go on waiting.</summary>
    public TaskCompletionSource? TakeFilled(bool hasFailed)
    {
        TaskCompletionSource? filled = null;
        if (_unread.Count > 0 || hasFailed)
            (filled, _filled) = (_filled, null);
        return filled;
    }

    public void Wake()
    {
        _filled?.TrySetResult();
        _filled = null;
    }
}
