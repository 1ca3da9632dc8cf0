using System.Collections.Concurrent;
using System.Net.Sockets;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// What goes out. It is chosen under the lock and sent without it: the system may let QEMU work on what it was sent before
/// the call that sent it returns, and nobody shall wait for that. What was chosen first is sent first, by whoever comes to
/// send: a question without its last byte would make one that QEMU cannot read of all that follow.
/// </summary>
/// <remarks>
/// QEMU reads a command byte by byte, which takes most of the time of an answer. So where a monitor is asked for the guest's
/// statistics again and again, the next such question goes ahead while nobody waits, but for its last byte: QEMU answers
/// only when that has come, after the caller asked. Whatever else is asked ends that question first, and nobody gets its answer.
/// </remarks>
internal sealed partial class QmpMonitor
{
    // A monitor that was asked for nothing else twice is likely to be asked for it again.
    private const int Habit = 2;

    /// <summary>Held while something is sent; tests keep a sender waiting by it.</summary>
    internal Lock SendGate { get; } = new();

    private readonly ConcurrentQueue<Outgoing> _toSend = [];
    private ReadOnlyMemory<byte> _outgoing;
    private int _statsInARow;

    // The connection on which a question is being begun, and one that was sent but for its last byte.
    private QmpChannel? _beginning;
    private byte[]? _begun;
    private bool _waitsToBegin;
    private int _unwantedReplies;

    /// <param name="Channel">Where it is to go.</param>
    /// <param name="Bytes">What.</param>
    private readonly record struct Outgoing(QmpChannel Channel, ReadOnlyMemory<byte> Bytes);

    /// <summary>The lock is held; whoever holds it takes what is outgoing along.</summary>
    private void Send(byte[] commands)
    {
        _silentSince = _time.GetTimestamp();
        if (_isOutOfStep)
        {
            _isOutOfStep = false;
            commands = [.. Mark(), .. commands];
        }

        _outgoing = AfterBegun(commands);
    }

    /// <summary>The lock is held.</summary>
    /// <returns>Whether there is anything to transmit.</returns>
    private bool TakeOutgoing()
    {
        ReadOnlyMemory<byte> bytes = _outgoing;
        _outgoing = default;
        return TakeOutgoing(bytes);
    }

    private bool TakeOutgoing(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty || _channel is null)
            return false;
        _toSend.Enqueue(new Outgoing(_channel, bytes));
        return true;
    }

    /// <summary>Sends what was chosen, and before it what others chose and did not come to send. The lock is not held. The reply may come before this returns.</summary>
    private void Transmit(bool isAnything)
    {
        if (!isAnything)
            return;
        List<(QmpChannel Channel, Exception Error)>? failures = null;
        lock (SendGate)
        {
            while (_toSend.TryDequeue(out Outgoing next))
            {
                try
                {
                    next.Channel.Send(next.Bytes.Span);
                }
                catch (Exception e) when (e is SocketException or InvalidDataException or ObjectDisposedException)
                {
                    (failures ??= []).Add((next.Channel, e));
                }
            }
        }

        foreach ((QmpChannel channel, Exception error) in failures ?? [])
            Break(error, channel);
    }

    private byte[] Mark()
    {
        _awaitedMark = ++_lastMark;
        _unwantedReplies = 0;
        CommandsSent++;
        Metrics.Resynchronisations.Add(1);
        return QmpCommands.Synchronise(_awaitedMark);
    }

    /// <summary>The lock is held.</summary>
    private void NoteQuestion(bool isForStats) => _statsInARow = isForStats ? _statsInARow + 1 : 0;

    /// <summary>Begins the question that is likely to come next, after whoever waited was served. The lock is not held.</summary>
    private void BeginNext(QmpChannel channel)
    {
        byte[] question;
        bool isAnything;
        lock (_gate)
        {
            if (_statsInARow < Habit || _phase != Phase.Idle || _channel != channel || _beginning is not null || _begun is not null
                || _waitsToBegin || _isOutOfStep || _awaitedMark != 0 || Balloon is null)
            {
                return;
            }

            if (!QmpTraffic.IsCalm)
            {
                _waitsToBegin = true;
                QmpTraffic.WhenCalm(() =>
                {
                    lock (_gate)
                        _waitsToBegin = false;
                    BeginNext(channel);
                });
                return;
            }

            question = Questions(MonitorParts.GuestStats);
            _beginning = channel;
            isAnything = TakeOutgoing(question.AsMemory(..^1));
        }

        Transmit(isAnything);
        lock (_gate)
        {
            if (_beginning != channel)
                return;
            _beginning = null;
            _begun = question;

            // What was asked meanwhile.
            SendNext();
            isAnything = TakeOutgoing();
        }

        Transmit(isAnything);
    }

    /// <summary>What is to be sent after what was begun. The lock is held.</summary>
    private ReadOnlyMemory<byte> AfterBegun(byte[] commands)
    {
        if (_begun is not { } begun)
            return commands;
        _begun = null;
        if (commands.AsSpan().StartsWith(begun))
            return commands.AsMemory(begun.Length - 1);
        CommandsSent++;

        // Before a mark every reply is unwanted.
        if (_awaitedMark == 0)
            _unwantedReplies++;
        return (byte[])[begun[^1], .. commands];
    }

    /// <summary>The connection ended. The lock is held.</summary>
    private void ForgetOutgoing()
    {
        _outgoing = default;
        _statsInARow = 0;
        _beginning = null;
        _begun = null;
        _unwantedReplies = 0;
    }
}
