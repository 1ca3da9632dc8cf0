namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads a reply.</summary>
/// <exception cref="InvalidDataException">It is no answer to what was asked.</exception>
internal delegate void QmpReplyReader(QmpReply reply);

/// <summary>One command, or several in one write, on its own: what changes something, and what is asked seldom.</summary>
internal sealed class QmpCall(
    string name, byte[] command, int replies, bool changesSomething, QmpReplyReader reader, Action? onRefusal, Action? onSent, TimeSpan timeout,
    long askedAt)
{
    private readonly TaskCompletionSource<QmpError?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _repliesLeft = replies;
    private QmpError? _error;

    public string Name => name;

    public byte[] Command => command;

    /// <summary>How many commands these are.</summary>
    public int Count { get; } = replies;

    public bool ChangesSomething => changesSomething;

    /// <summary>The user for whose clients it is, who may only read; null: whoever asks may change something.</summary>
    public object? Reader { get; } = CallOrigin.Reader;

    /// <summary>Whether others were before it when it was asked.</summary>
    public bool HasWaited { get; set; }

    /// <summary>Whether its answer is as good for others who ask the same.</summary>
    public bool IsShareable => !changesSomething && Count == 1;

    public bool AsksSame(QmpCall other) =>
        IsShareable && other.IsShareable && name == other.Name && command.AsSpan().SequenceEqual(other.Command);

    public TimeSpan Timeout => timeout;

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt => askedAt;

    /// <summary>The monitor's error; null where it did what it was told.</summary>
    public Task<QmpError?> Task => _completion.Task;

    /// <summary>Takes the next reply: there is one for each command.</summary>
    /// <param name="message">The reply.</param>
    /// <param name="reading">What was read out of it for others who share it.</param>
    /// <returns>Whether it was the last.</returns>
    public bool Take(in QmpMessage message, QmpReading reading)
    {
        if (message.Kind == QmpMessageKind.Error)
        {
            _error ??= reading.Error(message.Body);
            onRefusal?.Invoke();
        }
        else
        {
            reader(new QmpReply(message.Body, reading));
        }

        return --_repliesLeft == 0;
    }

    /// <summary>From now on it may take effect. The monitor's lock is held.</summary>
    public void NoteSent() => onSent?.Invoke();

    public void Complete() => _completion.TrySetResult(_error);

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
