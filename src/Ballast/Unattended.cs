namespace Ballast;

/// <summary>What a token tells when it is cancelled.</summary>
internal interface ICancellable
{
    void Cancel(CancellationToken token);
}

/// <summary>
/// Work that has nobody above it who catches: timers, threads, the pool's items, what a token tells, what listens to us. An
/// exception that leaves it would end the program around us, or come out where somebody cancels something else. So all such
/// work begins here, and what it throws ends that one piece of work.
/// </summary>
internal static class Unattended
{
    // The C library's: its runtime's threads wait for those that they cannot do without.
    private static readonly Action<Thread> Start = AppContext.GetData("Ballast.StartThread") as Action<Thread> ?? (static thread => thread.Start());

    private static long _failures;

    /// <summary>Somebody is told of each exception; must not throw.</summary>
    public static event Action<Exception>? Failed;

    /// <summary>How many exceptions there were in this process.</summary>
    public static long Failures => Interlocked.Read(ref _failures);

    public static void Run(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            Note(e);
        }
    }

    public static void Run<T>(Action<T> work, T state)
    {
        try
        {
            work(state);
        }
        catch (Exception e)
        {
            Note(e);
        }
    }

    /// <summary>A timer whose next turn comes whatever happens in this one.</summary>
    public static ITimer CreateTimer<T>(TimeProvider time, Action<T> work, T state, TimeSpan due, TimeSpan period) => time.CreateTimer(
        static timer =>
        {
            (Action<T> work, T state) = ((Action<T>, T))timer!;
            Run(work, state);
        },
        (work, state), due, period);

    /// <summary>A thread that does not keep the program from ending; false where the system has no room for one.</summary>
    public static bool TryStartThread(string name, Action run, out Thread thread)
    {
        thread = new Thread(() => Run(run)) { IsBackground = true, Name = name };
        try
        {
            Start(thread);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    /// <summary>One of the pool's threads does it.</summary>
    public static void Queue<T>(Action<T> work, T state)
    {
        try
        {
            _ = ThreadPool.UnsafeQueueUserWorkItem(static item => Run(item.Work, item.State), (Work: work, State: state), preferLocal: false);
        }
        catch (OutOfMemoryException e)
        {
            // No room for a thread more: it is in the queue all the same, for those that there are.
            Note(e);
        }
    }

    public static CancellationTokenRegistration Register(ICancellable told, CancellationToken token) => token.UnsafeRegister(
        static (told, token) =>
        {
            try
            {
                ((ICancellable)told!).Cancel(token);
            }
            catch (Exception e)
            {
                Note(e);
            }
        },
        told);

    /// <summary>Cancels; whoever is told of it and throws disturbs nobody else.</summary>
    public static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException e)
        {
            Note(e);
        }
    }

    public static void Note(Exception error)
    {
        _ = Interlocked.Increment(ref _failures);
        try
        {
            Failed?.Invoke(error);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }
}
