namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads the JSON of a reply's <c>return</c>.</summary>
/// <exception cref="InvalidDataException">It is no answer to what was asked.</exception>
internal delegate void QmpReplyReader(ReadOnlySpan<byte> body);

/// <summary>One command, or several in one write, on its own: what changes something, and what is asked seldom.</summary>
internal sealed class QmpCall(
    string name, byte[] command, int replies, bool changesSomething, QmpReplyReader reader, Action? onRefusal, TimeSpan timeout, long askedAt)
{
    private readonly TaskCompletionSource<QmpError?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _repliesLeft = replies;
    private QmpError? _error;

    public string Name => name;

    public byte[] Command => command;

    /// <summary>How many commands these are.</summary>
    public int Count { get; } = replies;

    public bool ChangesSomething => changesSomething;

    public TimeSpan Timeout => timeout;

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt => askedAt;

    /// <summary>The monitor's error; null where it did what it was told.</summary>
    public Task<QmpError?> Task => _completion.Task;

    /// <summary>Takes the next reply: there is one for each command.</summary>
    /// <returns>Whether it was the last.</returns>
    public bool Take(in QmpMessage message)
    {
        if (message.Kind == QmpMessageKind.Error)
        {
            _error ??= QmpError.Parse(message.Body);
            onRefusal?.Invoke();
        }
        else
        {
            reader(message.Body);
        }

        return --_repliesLeft == 0;
    }

    public void Complete() => _completion.TrySetResult(_error);

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
