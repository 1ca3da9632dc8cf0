using System.Diagnostics.CodeAnalysis;

namespace Ballast.Server;

/// <summary>
/// What the clients of one user use together: who opens many connections has no more than who opens one. Those that may
/// only read are counted apart from those that may change something.
/// </summary>
/// <param name="isReader">Whether they may only read.</param>
/// <param name="options">The limits.</param>
/// <param name="crowd">The server's users, as far as they stand in line; null: there is no other.</param>
internal sealed class UserShare(bool isReader, LibvirtServerOptions options, ReaderCrowd? crowd = null) : IWorkTurns
{
    private int _watches;
    private int _callbacks;
    private int _blocked;
    private long _kept;

    public bool IsReader => isReader;

    /// <summary>Its clients; the lock of all shares is held.</summary>
    public int Clients { get; set; }

    /// <summary>Its calls that are not answered yet; the lock of the turns is held.</summary>
    public int CallsUnderWay { get; set; }

    /// <summary>Those of its clients that wait for a turn; the lock of the turns is held.</summary>
    public Queue<ReaderTurn> Waiting { get; } = [];

    /// <summary>Those of its calls under way that wait for a worker; the lock of the turns is held.</summary>
    public Queue<ReaderTurn> WaitingWork { get; } = [];

    /// <summary>Where its readers' calls get their workers.</summary>
    public ReaderTurns? Turns { get; set; }

    /// <summary>Whether the user stands in line; the lock of the turns is held.</summary>
    public bool IsInLine { get; set; }

    /// <summary>What its readers ask about all domains.</summary>
    public ReaderRounds Rounds { get; } = new(options.TimeProvider, crowd);

    /// <summary>Its places for long messages; never disposed, because it has no handle.</summary>
    public SemaphoreSlim LargeMessages { get; } = new(options.MaxUserLargeMessages);

    // However much is kept for all, who has nothing may ask.
    public bool HasRoom => CallsUnderWay < options.MaxUserCalls
        && (Interlocked.Read(ref _kept) is var kept && (kept == 0 || (kept < options.MaxUserKeptBytes && (Turns?.KeptBytes ?? kept) < options.MaxKeptBytes)));

    /// <summary>So many bytes of a call are kept until it is answered.</summary>
    public void AddKept(int bytes)
    {
        Interlocked.Add(ref _kept, bytes);
        Turns?.AddKept(bytes);
    }

    /// <summary>And are not any more.</summary>
    public void RemoveKept(int bytes)
    {
        Interlocked.Add(ref _kept, -bytes);
        Turns?.RemoveKept(this, bytes);
    }

    /// <summary>Whether one of its own waits that may have the next turn; the lock of the turns is held.</summary>
    public bool HasNext => WaitingWork.Count > 0 || (HasRoom && Waiting.Count > 0);

    /// <summary>The next turn: what is under way goes before what has not begun. The lock of the turns is held.</summary>
    public bool TryTakeNext([NotNullWhen(true)] out ReaderTurn? turn) =>
        WaitingWork.TryDequeue(out turn) || (HasRoom && Waiting.TryDequeue(out turn));

    ValueTask IWorkTurns.EnterWorkAsync(CancellationToken cancellationToken) => Turns is { } turns ? turns.EnterWorkAsync(this, cancellationToken) : default;

    void IWorkTurns.LeaveWork() => Turns?.Leave();

    public bool TryAddWatch() => TryAdd(ref _watches, options.MaxUserWatches);

    public void RemoveWatch() => Interlocked.Decrement(ref _watches);

    public bool TryAddCallback() => TryAdd(ref _callbacks, options.MaxUserCallbacks);

    public void RemoveCallbacks(int count) => Interlocked.Add(ref _callbacks, -count);

    /// <summary>One more client does not read what it was sent; false: they are too many.</summary>
    public bool TryAddBlocked() => TryAdd(ref _blocked, options.MaxUserBlocked);

    public void RemoveBlocked() => Interlocked.Decrement(ref _blocked);

    private static bool TryAdd(ref int count, int most)
    {
        if (Interlocked.Increment(ref count) <= most)
            return true;
        _ = Interlocked.Decrement(ref count);
        return false;
    }
}
