namespace Ballast.Native;

/// <summary>
/// Waits for the library's asynchronous calls on the caller's thread. Where the program set an interrupt check, a call that
/// takes long asks it now and then, and is given up when it says so.
/// </summary>
internal static unsafe class Blocking
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    // One object, so that nobody calls one check with another's argument.
    private static volatile Check? _check;

    [ThreadStatic]
    private static CancellationTokenSource? _interrupt;

    [ThreadStatic]
    private static Sleep? _ended;

    /// <summary>Whether somebody wants to be asked while a call waits.</summary>
    public static bool IsChecked => _check is not null;

    /// <summary>For the call that this thread makes next.</summary>
    public static CancellationToken Token => IsChecked ? (_interrupt ??= new CancellationTokenSource()).Token : CancellationToken.None;

    public static void SetCheck(delegate* unmanaged<nint, int> check, nint opaque) =>
        _check = check == null ? null : new Check(check, opaque);

    /// <summary>Whether the program wants to be interrupted.</summary>
    public static bool IsInterrupted() => _check?.Ask() ?? false;

    /// <exception cref="CallException">There is no thread on which the call could go on.</exception>
    public static T Wait<T>(ValueTask<T> call)
    {
        if (call.IsCompleted)
            return call.GetAwaiter().GetResult();
        Task<T> task = call.AsTask();
        try
        {
            WaitFor(task, IsChecked);
        }
        catch (CallException)
        {
            // What it makes later, when there is room again, is nobody's.
            _ = task.ContinueWith(LetGo, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }

        return task.GetAwaiter().GetResult();
    }

    /// <exception cref="CallException">There is no thread on which the call could go on.</exception>
    public static void Wait(ValueTask call)
    {
        if (call.IsCompleted)
        {
            call.GetAwaiter().GetResult();
            return;
        }

        Task task = call.AsTask();
        WaitFor(task, IsChecked);
        task.GetAwaiter().GetResult();
    }

    /// <summary>The same of what must be done to its end, however the program wants to be interrupted.</summary>
    /// <exception cref="CallException">There is no thread on which it could go on.</exception>
    public static void WaitToTheEnd(Task task)
    {
        if (!task.IsCompleted)
            WaitFor(task, isChecked: false);
        task.GetAwaiter().GetResult();
    }

    private sealed class Check(delegate* unmanaged<nint, int> function, nint opaque)
    {
        private readonly delegate* unmanaged<nint, int> _function = function;

        public bool Ask() => _function(opaque) != 0;
    }

    private static void LetGo<T>(Task<T> task)
    {
        if (task.IsCompletedSuccessfully && task.Result is IAsyncDisposable result)
            _ = result.DisposeAsync().AsTask();
    }

    private static void WaitFor(Task task, bool isChecked)
    {
        // The program's check may make calls of its own, and whatever is given up sets it much later.
        Sleep ended = _ended ?? new Sleep();
        _ended = null;
        ended.Reset();
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(ended.End);
        PoolCheck pool = new();
        while (!ended.WaitFor(isChecked ? CheckInterval : pool.Interval))
        {
            pool.Look();
            if (!isChecked || !IsInterrupted())
                continue;

            // From now on it is about to end.
            isChecked = false;
            CancellationTokenSource? interrupt = _interrupt;
            _interrupt = null;
            interrupt?.Cancel();
            interrupt?.Dispose();
        }

        _ended = ended;
    }
}
