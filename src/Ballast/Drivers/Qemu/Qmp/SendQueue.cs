using System.Collections.Concurrent;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// What is to be sent. It is chosen under the monitor's lock and sent without it: the system may let QEMU work on what it was
/// sent before the call that sent it returns, and nobody shall wait for that. What was chosen first is sent first, by
/// whoever comes to send: a question without its last byte would spoil all that follow.
/// </summary>
internal sealed class SendQueue(Lock gate) : MonitorPart(gate)
{
    private readonly ConcurrentQueue<(QmpChannel Channel, ReadOnlyMemory<byte> Bytes)> _queue = [];
    private ReadOnlyMemory<byte> _chosen;

    /// <summary>Held while something is sent; tests keep a sender waiting by it.</summary>
    public Lock SendGate { get; } = new();

    public void Choose(ReadOnlyMemory<byte> bytes)
    {
        AssertLocked();
        _chosen = bytes;
    }

    /// <summary>Queues what was chosen.</summary>
    /// <returns>Whether there is anything to send.</returns>
    public bool TryEnqueueChosen(QmpChannel? channel)
    {
        ReadOnlyMemory<byte> bytes = _chosen;
        _chosen = default;
        return TryEnqueue(channel, bytes);
    }

    public bool TryEnqueue(QmpChannel? channel, ReadOnlyMemory<byte> bytes)
    {
        AssertLocked();
        if (bytes.IsEmpty || channel is null)
            return false;
        _queue.Enqueue((channel, bytes));
        return true;
    }

    /// <summary>Sends all that is queued. The monitor's lock is not held; a reply may come before this returns.</summary>
    /// <returns>The connections that could not take it; null: none.</returns>
    public List<(QmpChannel Channel, Exception Error)>? SendAll()
    {
        List<(QmpChannel Channel, Exception Error)>? failures = null;
        lock (SendGate)
        {
            while (_queue.TryDequeue(out (QmpChannel Channel, ReadOnlyMemory<byte> Bytes) next))
            {
                try
                {
                    next.Channel.Send(next.Bytes.Span);
                }
                catch (Exception e) when (e is ConnectionBrokenException or InvalidDataException or ObjectDisposedException)
                {
                    (failures ??= []).Add((next.Channel, e));
                }
            }
        }

        return failures;
    }

    /// <summary>The connection ended.</summary>
    public void Reset()
    {
        AssertLocked();
        _chosen = default;
    }
}
