using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// A monitor that sent what no QEMU sends is connected to again at once, as after any loss; one that does so again and again
/// is left alone for longer each time, and who asks it meanwhile is told why. To connect costs a look at who is served, and
/// to whoever floods it costs nothing to be connected to.
/// </summary>
internal sealed class MisbehaviourPause(Lock gate, string path, TimeProvider time) : MonitorPart(gate)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60);

    // A connection that stood for so long shows that the monitor is as others are.
    private static readonly TimeSpan Behaved = Longest;

    private int _times;
    private Exception? _cause;
    private long _since;
    private TimeSpan _length;

    /// <summary>Why it is left alone just now; null where it may be connected to.</summary>
    public LibvirtException? Reason
    {
        get
        {
            if (_cause is not { } why)
                return null;
            TimeSpan left = _length - time.GetElapsedTime(_since);
            return left > TimeSpan.Zero ? QmpErrors.LeftAlone(path, why, left) : null;
        }
    }

    /// <summary>A connection, or an attempt at one, came to its end.</summary>
    /// <param name="cause">Why.</param>
    /// <param name="since">When it began.</param>
    public void NoteEnd(Exception? cause, long since)
    {
        AssertLocked();
        long now = time.GetTimestamp();
        if (time.GetElapsedTime(since, now) >= Behaved)
            _times = 0;
        if (cause is not (InvalidDataException or JsonException))
            return;
        _length = _times == 0 ? TimeSpan.Zero : First * Math.Pow(2, _times - 1);
        if (_length < Longest)
            _times++;
        else
            _length = Longest;
        _cause = cause;
        _since = now;
    }
}
