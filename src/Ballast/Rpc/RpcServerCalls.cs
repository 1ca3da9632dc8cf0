namespace Ballast.Rpc;

/// <summary>The calls of one connection that are under way, and whether there is room for another.</summary>
/// <param name="most">How many there may be.</param>
internal sealed class RpcServerCalls(int most)
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private int _unread;

    public bool Any => Volatile.Read(ref _count) > 0;

    /// <summary>A client that does not read gets no further answers made: they would only wait with the others.</summary>
    public bool HasRoom => Volatile.Read(ref _count) < most && Volatile.Read(ref _unread) == 0;

    public void Begin() => Interlocked.Increment(ref _count);

    /// <returns>Whether it was the last one.</returns>
    public bool End()
    {
        bool isLast = Interlocked.Decrement(ref _count) == 0;
        Tell();
        return isLast;
    }

    /// <summary>A message waits for the client to read it.</summary>
    public void BeginUnread() => Interlocked.Increment(ref _unread);

    public void EndUnread()
    {
        if (Interlocked.Decrement(ref _unread) == 0)
            Tell();
    }

    /// <summary>Ends when there may be room.</summary>
    public Task WaitForRoomAsync()
    {
        if (_changed.Task.IsCompleted)
            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        // A change between the look and the new signal would be missed: so look again, and not before it is there.
        return HasRoom ? Task.CompletedTask : _changed.Task;
    }

    private void Tell() => Volatile.Read(ref _changed).TrySetResult();
}
