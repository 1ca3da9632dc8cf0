namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads the JSON of a reply's <c>return</c>.</summary>
/// <exception cref="InvalidDataException">It is no answer to what was asked.</exception>
internal delegate void QmpReplyReader(ReadOnlySpan<byte> body);

/// <summary>One command, or several in one write, on its own: what changes something, and what is asked seldom.</summary>
internal sealed class QmpCall(
    string name, byte[] command, int replies, bool changesSomething, QmpReplyReader reader, TimeSpan timeout, long askedAt)
{
    private readonly TaskCompletionSource<QmpError?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => name;

    public byte[] Command => command;

    public bool ChangesSomething => changesSomething;

    /// <summary>Replies that are still to come: one for each command.</summary>
    public int RepliesLeft { get; set; } = replies;

    /// <summary>The first error that the monitor answered.</summary>
    public QmpError? Error { get; set; }

    public QmpReplyReader Reader => reader;

    public TimeSpan Timeout => timeout;

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt => askedAt;

    /// <summary>The monitor's error; null where it did what it was told.</summary>
    public Task<QmpError?> Task => _completion.Task;

    public void Complete() => _completion.TrySetResult(Error);

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
