using System.Diagnostics;
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

    /// <summary>So many looks run side by side: where all hang in the same, no more do.</summary>
    public const int MostAtOnce = 8;

    // What is late once may be so because the machine is busy.
    private const int MostOfThing = 2;

    private const long LeftBehind = -1;

    /// <summary>A look in which calls are late, whether they return or not, is begun again for so long; then nobody waits for it.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    // A tick counts that comes so much too early: timers count whole milliseconds.
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(2);

    // Where nobody needs the look any more.
    private static readonly TimeSpan LastCall = TimeSpan.FromMilliseconds(100);

    // What a caller named, and the host: neither waits for the other.
    private static readonly SemaphoreSlim OfOne = new(MostAtOnce), OfHost = new(MostAtOnce);

    [ThreadStatic]
    private static HostLook? _current;

    [ThreadStatic]
    private static string? _subject;

    // Of this look, in all its rounds; null as long as none was.
    private readonly LateCalls? _late;

    // How many calls began and ended: odd while one is under way.
    private long _calls;
    private volatile string _call = "";
    private LookKind _kind;
    private volatile Action? _whenLeft;

    private HostLook(LateCalls? late) => _late = late;

    /// <summary>How many calls do not return just now.</summary>
    public static int StuckCalls => HangingCalls.Count;

    /// <summary>Whether the code that runs is part of a look.</summary>
    public static bool IsLooking => _current is not null;

    /// <summary>One of those calls.</summary>
    public static LookFailure AnyStuck => new(LeftOut, HangingCalls.Any ?? "/proc");

    /// <summary>Whether the paths that a process wrote are left out.</summary>
    public static bool ArePathsStuck(int pid) => HangingCalls.LeavesOut(new LookTarget(LookKind.Paths, PathsOf(pid)));

    /// <summary>
    /// What the calls on this thread are about until that is disposed, instead of what each of them names: of a path that one process
    /// wrote (<see cref="PathsOf"/>), the next part would hang as well, and in another process the same path is another one.
    /// </summary>
    /// <param name="paths">Which process's paths; null: what it is without.</param>
    public static Subject About(string? paths) => new(paths);

    /// <summary>What is done if the look is left behind before that is disposed, in a call that may still have an effect.</summary>
    public static Leaving WhenLeft(Action undo) => new(undo);

    /// <summary>What the calls are about that follow the paths which a process wrote.</summary>
    public static string PathsOf(int pid) => string.Create(CultureInfo.InvariantCulture, $"the paths of process {pid}");

    /// <summary>Looks; a look that hangs is left behind, and begun again without what it waits for.</summary>
    /// <param name="look">The look. What it changed before it was left behind must do no harm to the next.</param>
    /// <param name="note">Told of each call that does not return, once.</param>
    /// <param name="closing">Nobody needs it any more.</param>
    /// <exception cref="LookStuckException">One call after the other is late, or nobody waits any more.</exception>
    public static Task<T> RunAsync<T>(Func<T> look, Action<LookFailure>? note, CancellationToken closing) => RunAsync(OfHost, look, note, closing);

    /// <summary>The same of one thing, as many may be looked at side by side.</summary>
    public static Task<T> RunOfOneAsync<T>(Func<T> look, Action<LookFailure>? note, CancellationToken closing) => RunAsync(OfOne, look, note, closing);

    private static async Task<T> RunAsync<T>(SemaphoreSlim places, Func<T> look, Action<LookFailure>? note, CancellationToken closing)
    {
        LateCalls? late = null;
        TimeSpan looked = TimeSpan.Zero;
        while (looked < Longest)
        {
            try
            {
                await places.WaitAsync(closing).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            long begun;
            bool? wasReady = null;
            try
            {
                wasReady = await LookThreads.TakeAsync(closing).ConfigureAwait(false);
                begun = Stopwatch.GetTimestamp();
                HostLook under = new(late);
                Task<T> running = Task.Run(() => under.Do(look), CancellationToken.None);
                if (await under.EndsAsync(running, closing).ConfigureAwait(false))
                    return await running.ConfigureAwait(false);
                (late ??= new LateCalls(MostOfThing, LateCalls.Longest / 4)).Change(under.Call, 1);
                _ = running.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                note?.Invoke(new LookFailure(LeftOut, under._call));
            }
            catch (OperationCanceledException) when (wasReady is null)
            {
                break;
            }
            finally
            {
                if (wasReady is { } taken)
                    LookThreads.Return(taken);
                places.Release();
            }

            looked += Stopwatch.GetElapsedTime(begun);
            if (closing.IsCancellationRequested)
                break;
        }

        throw new LookStuckException();
    }

    /// <summary>A call begins.</summary>
    /// <param name="what">What it is about.</param>
    /// <param name="kind">What it may wait for.</param>
    /// <returns>False where it must not: what it is about is left out.</returns>
    public static bool Begin(string what, LookKind kind)
    {
        LookTarget target = _subject is { } paths ? new(LookKind.Paths, paths) : new(kind, what);
        return _current is { } look ? look.BeginCall(target) : !HangingCalls.LeavesOut(target);
    }

    /// <summary>The call has returned.</summary>
    /// <returns>False where its look was left behind meanwhile: what it returned is to be given back.</returns>
    public static bool End() => _current is not { } look || look.EndCall();

    private bool BeginCall(LookTarget target)
    {
        long calls = Volatile.Read(ref _calls);
        if (calls == LeftBehind)
            throw new LookStuckException();
        if (HangingCalls.LeavesOut(target) || _late?.LeavesOut(target) == true)
            return false;
        (_call, _kind) = (target.What, target.Kind);
        Volatile.Write(ref _calls, calls + 1);
        return true;
    }

    // Of the call under way; nobody relies on it unless the count of calls is the same before and behind.
    private LookTarget Call => new(_kind, _call);

    private bool EndCall()
    {
        long calls = Volatile.Read(ref _calls);
        if (calls != LeftBehind && Interlocked.CompareExchange(ref _calls, calls + 1, calls) == calls)
            return true;
        HangingCalls.Change(Call, -1);
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
        long before = LeftBehind, lookedAt = Stopwatch.GetTimestamp();
        bool wasClosing = false;
        while (true)
        {
            _ = await Task.WhenAny(running, CoarseClock.NextTick()).ConfigureAwait(false);
            if (running.IsCompleted)
                return true;

            // Whoever closes has waited for this call already.
            bool isClosing = closing.IsCancellationRequested, isNews = isClosing && !wasClosing;
            wasClosing = isClosing;
            if (!isNews && Stopwatch.GetElapsedTime(lookedAt) + Early < (isClosing ? LastCall : Patience()))
                continue;
            lookedAt = Stopwatch.GetTimestamp();
            long calls = Volatile.Read(ref _calls);
            bool isLong = calls == before;
            before = calls;
            if (isLong && (calls & 1) == 1 && TryLeave(calls))
                return false;
        }
    }

    // As long as there is no call, nobody knows how long the next one is waited for.
    private TimeSpan Patience()
    {
        if ((Volatile.Read(ref _calls) & 1) == 0)
            return LateCalls.Shortest;
        TimeSpan ofAll = HangingCalls.Patience(Call), own = _late?.Patience(Call) ?? LateCalls.Longest;
        return own < ofAll ? own : ofAll;
    }

    private bool TryLeave(long calls)
    {
        // Before: who returns at once takes it away again.
        LookTarget call = Call;
        HangingCalls.Change(call, 1);
        if (Interlocked.CompareExchange(ref _calls, LeftBehind, calls) == calls)
        {
            _whenLeft?.Invoke();
            return true;
        }

        HangingCalls.Change(call, -1);
        return false;
    }

    /// <summary>See <see cref="About"/>.</summary>
    internal readonly struct Subject : IDisposable
    {
        private readonly string? _outer = _subject;

        public Subject(string? paths) => _subject = paths ?? _subject;

        public void Dispose() => _subject = _outer;
    }

    /// <summary>See <see cref="WhenLeft"/>.</summary>
    internal readonly struct Leaving : IDisposable
    {
        private readonly HostLook? _look = _current;

        public Leaving(Action undo)
        {
            if (_look is not null)
                _look._whenLeft = undo;
        }

        public void Dispose()
        {
            if (_look is not null)
                _look._whenLeft = null;
        }
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
