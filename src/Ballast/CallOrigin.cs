namespace Ballast;

/// <summary>
/// For whom a call is made, where it is a server's client that may only read. Who sets nothing may change something, and costs
/// nothing: only a reader's calls have a context of their own.
/// </summary>
internal static class CallOrigin
{
    private static readonly AsyncLocal<object?> Current = new();

    /// <summary>What the reader's user has in common, by which users take turns; null: it is no reader's. Holds for what its setter begins.</summary>
    public static object? Reader
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    /// <summary>
    /// Goes on upon a worker, for what is read of the host's files after a wait: never on the thread that received the answer. A
    /// reader's call gets one in its user's turn. Nothing may be waited for until it is given back.
    /// </summary>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public static async ValueTask<WorkTurn> TakeWorkerAsync(CancellationToken cancellationToken)
    {
        IWorkTurns? turns = Current.Value as IWorkTurns;
        if (turns is not null)
            await turns.EnterWorkAsync(cancellationToken).ConfigureAwait(false);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return new WorkTurn(turns);
    }
}

/// <summary>Workers for which users stand in line.</summary>
internal interface IWorkTurns
{
    ValueTask EnterWorkAsync(CancellationToken cancellationToken);

    void LeaveWork();
}

/// <summary>A worker that one call has; to be given back once.</summary>
internal readonly struct WorkTurn(IWorkTurns? turns) : IDisposable
{
    public void Dispose() => turns?.LeaveWork();
}
