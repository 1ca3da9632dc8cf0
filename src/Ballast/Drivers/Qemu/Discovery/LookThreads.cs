namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// The threads of the pool on which looks run. Of those that the pool has at once, one is left over: whoever waits for looks that hang goes
/// on there.
/// </summary>
/// <remarks>
/// To have the pool make another takes longer than most looks, so that is done only for a look that would have to wait: looks side by side,
/// as at twenty monitors that are connected to, take turns.
/// </remarks>
internal static class LookThreads
{
    private static readonly TimeSpan Brief = LateCalls.Shortest;
    private static readonly SemaphoreSlim Ready = new(CountReady());

    /// <summary>Waits for a thread.</summary>
    /// <returns>Whether the pool had it; either way it is to be given back.</returns>
    /// <exception cref="OperationCanceledException">Nobody needs it any more; none is to be given back.</exception>
    public static async ValueTask<bool> TakeAsync(CancellationToken cancellationToken)
    {
        if (await Ready.WaitAsync(Brief, cancellationToken).ConfigureAwait(false))
            return true;
        PoolMinimum.OfLooks.Change(1);
        return false;
    }

    /// <summary>The look is over, or was left behind with its thread, for which the pool has another by then.</summary>
    /// <param name="wasReady">Whether the pool had it.</param>
    public static void Return(bool wasReady)
    {
        if (wasReady)
            Ready.Release();
        else
            PoolMinimum.OfLooks.Change(-1);
    }

    private static int CountReady()
    {
        ThreadPool.GetMinThreads(out int workers, out _);
        return Math.Max(workers - 1, 1);
    }
}
