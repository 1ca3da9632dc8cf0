namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>One command of its own, with its own reply: what changes something, and what is asked seldom.</summary>
internal sealed class QmpCall(string name, byte[] command, bool changesSomething, TimeSpan timeout, long askedAt)
{
    private readonly TaskCompletionSource<QmpResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => name;

    public byte[] Command => command;

    public bool ChangesSomething => changesSomething;

    public TimeSpan Timeout => timeout;

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt => askedAt;

    public Task<QmpResult> Task => _completion.Task;

    public void Complete(QmpResult result) => _completion.TrySetResult(result);

    public void Fail(Exception error) => _completion.TrySetException(error);
}

/// <summary>The reply to a <see cref="QmpCall"/>: the JSON of <c>return</c>, or the error.</summary>
internal readonly record struct QmpResult(byte[] Body, QmpError? Error);
