namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// The question that is likely to come next. QEMU reads a command byte by byte, which takes most of the time of an answer.
/// So where a monitor is asked for the guest's statistics again and again, the next such question is sent ahead while nobody
/// waits, but for its last byte: QEMU answers only when that has come, after the caller asked. Whatever else is asked
/// completes that question first, and its answer is discarded.
/// </summary>
internal sealed class Prefetch(Lock gate) : MonitorPart(gate)
{
    // A monitor that was asked for nothing else twice is likely to be asked for it again.
    private const int Habit = 2;

    private int _statsInARow;
    private QmpChannel? _sendingOn;
    private byte[]? _sent;
    private bool _waitsForCalm;
    private int _unwantedReplies;

    /// <summary>Whether it is being sent: nothing else may be sent before it is.</summary>
    public bool IsBeingSent => _sendingOn is not null;

    /// <summary>Whether the next question should be sent ahead.</summary>
    /// <param name="isWanted">Whether somebody waits for it: it does not wait until other QEMUs are done.</param>
    public bool IsDue(bool isWanted) => _statsInARow >= Habit && _sendingOn is null && _sent is null && (isWanted || !_waitsForCalm);

    public void NoteQuestion(bool isForStats)
    {
        AssertLocked();
        _statsInARow = isForStats ? _statsInARow + 1 : 0;
    }

    public void WaitForCalm()
    {
        AssertLocked();
        _waitsForCalm = true;
    }

    public void EndWait()
    {
        AssertLocked();
        _waitsForCalm = false;
    }

    /// <returns>What is to be sent now: the question without its last byte.</returns>
    public ReadOnlyMemory<byte> Begin(QmpChannel channel, byte[] question)
    {
        AssertLocked();
        _sendingOn = channel;
        return question.AsMemory(..^1);
    }

    /// <returns>False where the connection has ended meanwhile.</returns>
    public bool TryEnd(QmpChannel channel, byte[] question)
    {
        AssertLocked();
        if (_sendingOn != channel)
            return false;
        _sendingOn = null;
        _sent = question;
        return true;
    }

    /// <summary>What is left to be sent of commands, after what was sent ahead.</summary>
    /// <param name="commands">The commands.</param>
    /// <param name="isDiscardedAnyway">Whether all replies before a mark are discarded.</param>
    /// <param name="isDiscarded">Whether what was sent ahead is another question, whose answer nobody gets.</param>
    public ReadOnlyMemory<byte> Continue(byte[] commands, bool isDiscardedAnyway, out bool isDiscarded)
    {
        AssertLocked();
        isDiscarded = false;
        if (_sent is not { } sent)
            return commands;
        _sent = null;
        if (commands.AsSpan().StartsWith(sent))
            return commands.AsMemory(sent.Length - 1);
        isDiscarded = true;
        if (!isDiscardedAnyway)
            _unwantedReplies++;
        return (byte[])[sent[^1], .. commands];
    }

    /// <returns>Whether the reply that has come is one to be discarded.</returns>
    public bool TryDiscardReply()
    {
        AssertLocked();
        if (_unwantedReplies == 0)
            return false;
        _unwantedReplies--;
        return true;
    }

    /// <summary>A mark was sent: all replies before it are discarded.</summary>
    public void NoteMark()
    {
        AssertLocked();
        _unwantedReplies = 0;
    }

    /// <summary>The connection ended.</summary>
    public void Reset()
    {
        AssertLocked();
        _statsInARow = 0;
        _sendingOn = null;
        _sent = null;
        _unwantedReplies = 0;
    }
}
