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

    /// <summary>So many calls may wait for others at a time; then nobody looks, until one returns.</summary>
    public const int MostStuck = 4;

    private const long LeftBehind = -1;

    // One call may take so long to twice as long: a usual look with all its calls takes some milliseconds.
    private static readonly TimeSpan LongestCall = TimeSpan.FromMilliseconds(200);

    // Where nobody needs the look any more.
    private static readonly TimeSpan LastCall = TimeSpan.FromMilliseconds(100);

    private static readonly ConcurrentDictionary<string, bool> Stuck = new();
    private static readonly Lock Replacing = new();
    private static volatile int _stuck;

    [ThreadStatic]
    private static HostLook? _current;

    [ThreadStatic]
    private static string? _subject;

    // How many calls began and ended: odd while one is under way.
    private long _calls;
    private volatile string _call = "";

    /// <summary>How many calls do not return just now.</summary>
    public static int StuckCalls => _stuck;

    /// <summary>One of those calls, where so many do not return that nobody looks.</summary>
    public static LookFailure AnyStuck => new(LeftOut, Stuck.Keys.FirstOrDefault() ?? "/proc");

    /// <summary>Whether something is left out, since a call that was about it has not returned.</summary>
    public static bool IsStuck(string what) => _stuck > 0 && Stuck.ContainsKey(What(what));

    /// <summary>
    /// What the calls on this thread are about until that is disposed, instead of what each of them names: of a path that one process
    /// wrote, the next part would hang as well, and in another process the same path is another one.
    /// </summary>
    public static Subject About(string subject) => new(subject);

    /// <summary>What the calls are about that follow the paths which a process wrote.</summary>
    public static string PathsOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"the paths of process {pid}");

    /// <summary>Looks; a look that hangs is left behind, and begun again without what it waits for.</summary>
    /// <param name="look">The look. What it changed before it was left behind must do no harm to the next.</param>
    /// <param name="note">Told of each call that does not return, once.</param>
    /// <param name="closing">Nobody needs it any more.</param>
    /// <exception cref="LookStuckException">Too many calls do not return, or nobody waits any more.</exception>
    public static async Task<T> RunAsync<T>(Func<T> look, Action<LookFailure>? note, CancellationToken closing)
    {
        while (_stuck < MostStuck)
        {
            HostLook under = new();
            Task<T> running = Task.Run(() => under.Do(look), CancellationToken.None);
            if (await under.EndsAsync(running, closing).ConfigureAwait(false))
                return await running.ConfigureAwait(false);
            _ = running.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            note?.Invoke(new LookFailure(LeftOut, under._call));
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
        SetStuck(_call, isStuck: false);
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
            Task pause = running.WaitAsync(isClosing ? LastCall : LongestCall, isClosing ? CancellationToken.None : closing);
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
        SetStuck(call, isStuck: true);
        if (Interlocked.CompareExchange(ref _calls, LeftBehind, calls) == calls)
            return true;
        SetStuck(call, isStuck: false);
        return false;
    }

    // The pool is given a thread for the one that hangs.
    private static void SetStuck(string call, bool isStuck)
    {
        lock (Replacing)
        {
            if (isStuck ? !Stuck.TryAdd(What(call), true) : !Stuck.TryRemove(What(call), out _))
                return;
            _stuck = Stuck.Count;
            ThreadPool.GetMinThreads(out int workers, out int others);
            _ = ThreadPool.SetMinThreads(Math.Max(workers + (isStuck ? 1 : -1), 1), others);
        }
    }

    // What needs the lock of a process's memory hangs with all else that does.
    private static string What(string what) =>
        what.StartsWith("/proc/", StringComparison.Ordinal) && (what.EndsWith("/environ", StringComparison.Ordinal) || what.EndsWith("/maps", StringComparison.Ordinal))
            ? string.Concat(what.AsSpan(0, what.LastIndexOf('/')), "/cmdline")
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
