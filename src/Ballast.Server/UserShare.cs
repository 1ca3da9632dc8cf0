namespace Ballast.Server;

/// <summary>
/// What the clients of one user use together: who opens many connections has no more than who opens one. Those that may
/// only read are counted apart from those that may change something.
/// </summary>
/// <param name="isReader">Whether they may only read.</param>
/// <param name="options">The limits.</param>
internal sealed class UserShare(bool isReader, LibvirtServerOptions options)
{
    private int _watches;
    private int _callbacks;
    private int _blocked;

    public bool IsReader => isReader;

    /// <summary>Its clients; the lock of all shares is held.</summary>
    public int Clients { get; set; }

    /// <summary>Its calls that are not answered yet; the lock of the turns is held.</summary>
    public int CallsUnderWay { get; set; }

    /// <summary>Those of its clients that wait for a turn; the lock of the turns is held.</summary>
    public Queue<ReaderTurn> Waiting { get; } = [];

    /// <summary>Whether the user stands in line; the lock of the turns is held.</summary>
    public bool IsInLine { get; set; }

    /// <summary>What its readers ask about all domains.</summary>
    public ReaderRounds Rounds { get; } = new(options.TimeProvider);

    /// <summary>Its places for long messages; never disposed, because it has no handle.</summary>
    public SemaphoreSlim LargeMessages { get; } = new(options.MaxUserLargeMessages);

    public bool HasRoom => CallsUnderWay < options.MaxUserCalls;

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
