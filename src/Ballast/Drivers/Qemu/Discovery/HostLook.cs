using System.Collections.Concurrent;
using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// A look at the host. A system call of it may depend on others: a file system that does not answer, a process that keeps the lock of
/// its memory. So it runs on a thread that whoever waits leaves behind where one call does not return: what the call was about is left
/// out of all looks until it does, and another look begins.
/// </summary>
/// <remarks>
/// A thread that was left behind runs no code of the look any more: when its call returns, it throws. What it shares with the next look
/// is therefore as it was when the call began.
/// </remarks>
internal sealed class HostLook
{
    /// <summary>ETIME, with which none of a look's calls fails: of what is left out.</summary>
    public const int LeftOut = 62;

    /// <summary>So many calls about one directory may wait for others at a time; then all of it is left out, until one returns.</summary>
    public const int MostOfDirectory = 4;

    /// <summary>The same of all that was named, of all paths that processes wrote, and of the memory of all processes: one keeps nobody from another.</summary>
    public const int MostOfKind = 12;

    /// <summary>So many looks run side by side: where all hang in the same, no more do.</summary>
    public const int MostAtOnce = 8;

    // A look in which one call after the other is late, though each returns, is one that nobody waits for any longer.
    private const int MostRounds = 4 * MostOfKind;

    private const long LeftBehind = -1;
    private const string Paths = "the paths of process ", CommandLine = "/cmdline";

    // One call may take so long to twice as long: a usual look with all its calls takes some milliseconds. The more do not return, the
    // shorter another one is waited for, so that many cost whoever waits hardly more than a few.
    private static readonly TimeSpan LongestCall = TimeSpan.FromMilliseconds(200), ShortestCall = TimeSpan.FromMilliseconds(25);

    // Where nobody needs the look any more.
    private static readonly TimeSpan LastCall = TimeSpan.FromMilliseconds(100);

    // How many calls do not return: about the same, and about one directory or kind of things.
    private static readonly ConcurrentDictionary<string, int> Stuck = new(), Groups = new();
    private static readonly Lock Replacing = new();
    private static volatile int _stuck;
    private static int _underWay;

    // What a caller named, and the host: neither waits for the other.
    private static readonly SemaphoreSlim OfOne = new(MostAtOnce), OfHost = new(MostAtOnce);

    [ThreadStatic]
    private static HostLook? _current;

    [ThreadStatic]
    private static string? _subject;

    // How many calls began and ended: odd while one is under way.
    private long _calls;
    private volatile string _call = "";

    /// <summary>How many calls do not return just now.</summary>
    public static int StuckCalls => _stuck;

    /// <summary>Whether the code that runs is part of a look.</summary>
    public static bool IsLooking => _current is not null;

    /// <summary>One of those calls.</summary>
    public static LookFailure AnyStuck => new(LeftOut, Stuck.Keys.FirstOrDefault() ?? "/proc");

    /// <summary>Whether something is left out, since a call that was about it has not returned, or too many about its like.</summary>
    public static bool IsStuck(string what) => _stuck > 0 && IsAnyStuck(What(what));

    /// <summary>Whether a call about just that does not return.</summary>
    public static bool IsStuckItself(string what) => Stuck.ContainsKey(What(what));

    /// <summary>
    /// What the calls on this thread are about until that is disposed, instead of what each of them names: of a path that one process
    /// wrote, the next part would hang as well, and in another process the same path is another one.
    /// </summary>
    public static Subject About(string subject) => new(subject);

    /// <summary>What the calls are about that follow the paths which a process wrote.</summary>
    public static string PathsOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"{Paths}{pid}");

    /// <summary>Looks; a look that hangs is left behind, and begun again without what it waits for.</summary>
    /// <param name="look">The look. What it changed before it was left behind must do no harm to the next.</param>
    /// <param name="note">Told of each call that does not return, once.</param>
    /// <param name="closing">Nobody needs it any more.</param>
    /// <exception cref="LookStuckException">One call after the other does not return, or nobody waits any more.</exception>
    public static Task<T> RunAsync<T>(Func<T> look, Action<LookFailure>? note, CancellationToken closing) => RunAsync(OfHost, look, note, closing);

    /// <summary>The same of one thing, as many may be looked at side by side.</summary>
    public static Task<T> RunOfOneAsync<T>(Func<T> look, Action<LookFailure>? note, CancellationToken closing) => RunAsync(OfOne, look, note, closing);

    private static async Task<T> RunAsync<T>(SemaphoreSlim places, Func<T> look, Action<LookFailure>? note, CancellationToken closing)
    {
        for (int round = 0; round < MostRounds; round++)
        {
            try
            {
                await places.WaitAsync(closing).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            bool hasThread = Interlocked.Increment(ref _underWay) > 1;
            try
            {
                if (hasThread)
                    ChangeThreads(1);
                HostLook under = new();
                Task<T> running = Task.Run(() => under.Do(look), CancellationToken.None);
                if (await under.EndsAsync(running, closing).ConfigureAwait(false))
                    return await running.ConfigureAwait(false);
                _ = running.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                note?.Invoke(new LookFailure(LeftOut, under._call));
            }
            finally
            {
                if (hasThread)
                    ChangeThreads(-1);
                Interlocked.Decrement(ref _underWay);
                places.Release();
            }

            if (closing.IsCancellationRequested)
                break;
        }

        throw new LookStuckException();
    }

    /// <summary>A call begins.</summary>
    /// <returns>False where it must not: what it is about is left out.</returns>
    public static bool Begin(string what)
    {
        if (_current is { } look)
            return look.BeginCall(what);
        return _stuck == 0 || !IsStuck(_subject ?? what);
    }

    /// <summary>The call has returned.</summary>
    /// <returns>False where its look was left behind meanwhile: what it returned is to be given back.</returns>
    public static bool End() => _current is not { } look || look.EndCall();

    private bool BeginCall(string what)
    {
        string about = _subject ?? what;
        long calls = Volatile.Read(ref _calls);
        if (calls == LeftBehind)
            throw new LookStuckException();
        if (IsStuck(about))
            return false;
        _call = about;
        Volatile.Write(ref _calls, calls + 1);
        return true;
    }

    private bool EndCall()
    {
        long calls = Volatile.Read(ref _calls);
        if (calls != LeftBehind && Interlocked.CompareExchange(ref _calls, calls + 1, calls) == calls)
            return true;
        Count(_call, -1);
        return false;
    }

    private T Do<T>(Func<T> look)
    {
        _current = this;
        try
        {
            return look();
        }
        finally
        {
            _current = null;
            _subject = null;
        }
    }

    // False where it was left behind.
    private async Task<bool> EndsAsync(Task running, CancellationToken closing)
    {
        long before = LeftBehind;
        while (!running.IsCompleted)
        {
            bool isClosing = closing.IsCancellationRequested;
            Task pause = running.WaitAsync(isClosing ? LastCall : Patience(), isClosing ? CancellationToken.None : closing);
            await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (running.IsCompleted)
                break;
            long calls = Volatile.Read(ref _calls);
            bool isLong = calls == before;
            before = calls;
            if (isLong && (calls & 1) == 1 && TryLeave(calls))
                return false;
        }

        return true;
    }

    private bool TryLeave(long calls)
    {
        // Before: who returns at once takes it away again.
        string call = _call;
        Count(call, 1);
        if (Interlocked.CompareExchange(ref _calls, LeftBehind, calls) == calls)
            return true;
        Count(call, -1);
        return false;
    }

    private static TimeSpan Patience() => LongestCall / (1 + _stuck) is var shorter && shorter > ShortestCall ? shorter : ShortestCall;

    // Each call by itself: two looks may hang in the same, and the first that returns says nothing of the other. The pool is given a
    // thread for the one that hangs.
    private static void Count(string call, int change)
    {
        string what = What(call);
        lock (Replacing)
        {
            Change(Stuck, what, change);
            Change(Groups, KindOf(what), change);
            if (DirectoryOf(what) is { } directory)
                Change(Groups, directory, change);
            _stuck += change;
        }

        ChangeThreads(change);
    }

    private static void Change(ConcurrentDictionary<string, int> counts, string key, int change)
    {
        int count = counts.GetValueOrDefault(key) + change;
        if (count > 0)
            counts[key] = count;
        else
            _ = counts.TryRemove(key, out _);
    }

    private static void ChangeThreads(int change)
    {
        lock (Replacing)
        {
            ThreadPool.GetMinThreads(out int workers, out int others);
            _ = ThreadPool.SetMinThreads(Math.Max(workers + change, 1), others);
        }
    }

    private static bool IsAnyStuck(string what) => Stuck.ContainsKey(what)
        || (DirectoryOf(what) is { } directory && Groups.GetValueOrDefault(directory) >= MostOfDirectory)
        || Groups.GetValueOrDefault(KindOf(what)) >= MostOfKind;

    private static string KindOf(string what) =>
        what.StartsWith(Paths, StringComparison.Ordinal) ? "paths"
        : !what.StartsWith("/proc/", StringComparison.Ordinal) ? "named"
        : what.EndsWith(CommandLine, StringComparison.Ordinal) ? "memory" : "kernel";

    // Of what was named: what one file system keeps waiting mostly lies in one directory.
    private static string? DirectoryOf(string what) => KindOf(what) == "named" ? $"in {Path.GetDirectoryName(what)}" : null;

    // What needs the lock of a process's memory hangs with all else that does.
    private static string What(string what) =>
        what.StartsWith("/proc/", StringComparison.Ordinal) && (what.EndsWith("/environ", StringComparison.Ordinal) || what.EndsWith("/maps", StringComparison.Ordinal))
            ? string.Concat(what.AsSpan(0, what.LastIndexOf('/')), CommandLine)
            : what;

    /// <summary>See <see cref="About"/>.</summary>
    internal readonly struct Subject : IDisposable
    {
        private readonly string? _outer = _subject;

        public Subject(string subject) => _subject = subject;

        public void Dispose() => _subject = _outer;
    }
}

/// <summary>Nobody can look now, since calls of former looks have not returned; or nobody waits for the look any more.</summary>
internal sealed class LookStuckException : Exception
{
    public LookStuckException()
        : base("calls of former looks have not returned")
    {
    }
}
