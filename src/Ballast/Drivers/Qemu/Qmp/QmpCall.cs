namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads the JSON of a reply's <c>return</c>.</summary>
/// <exception cref="InvalidDataException">It is no answer to what was asked.</exception>
internal delegate void QmpReplyReader(ReadOnlySpan<byte> body);

/// <summary>One command of its own, with its own reply: what changes something, and what is asked seldom.</summary>
internal sealed class QmpCall(
    string name, byte[] command, bool changesSomething, QmpReplyReader reader, TimeSpan timeout, long askedAt)
{
    private readonly TaskCompletionSource<QmpError?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => name;

    public byte[] Command => command;

    public bool ChangesSomething => changesSomething;

    public QmpReplyReader Reader => reader;

    public TimeSpan Timeout => timeout;

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt => askedAt;

    /// <summary>The monitor's error; null where it did what it was told.</summary>
    public Task<QmpError?> Task => _completion.Task;

    public void Complete(QmpError? error) => _completion.TrySetResult(error);

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
