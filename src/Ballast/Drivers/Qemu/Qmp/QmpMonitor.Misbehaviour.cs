using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>
/// A monitor that sent what no QEMU sends is connected to again at once, as after any loss; one that does so again and again
/// is left alone for longer each time, and who asks it meanwhile is told why. To connect costs a look at who is served, and
/// to whoever floods it costs nothing to be connected to.
/// </content>
internal sealed partial class QmpMonitor
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(60);

    // A connection that stood for so long shows that the monitor is as others are.
    private static readonly TimeSpan Behaved = LongestPause;

    private int _timesMisbehaved;
    private Exception? _misbehaviour;
    private long _pausedAt;
    private long _connectedAt;
    private TimeSpan _pause;

    /// <summary>Why it is left alone just now; null where it may be connected to, or is.</summary>
    public LibvirtException? ReasonToPause
    {
        get
        {
            lock (_gate)
                return PauseError();
        }
    }

    /// <summary>The lock is held.</summary>
    private LibvirtException? PauseError()
    {
        if (_channel is not null || _misbehaviour is not { } why)
            return null;
        TimeSpan left = _pause - _time.GetElapsedTime(_pausedAt);
        return left > TimeSpan.Zero ? QmpErrors.LeftAlone(Path, why, left) : null;
    }

    /// <summary>A connection began. The lock is held.</summary>
    private void NoteConnected() => _connectedAt = _time.GetTimestamp();

    /// <summary>A connection, or an attempt at one, came to its end. The lock is held.</summary>
    /// <param name="cause">Why.</param>
    /// <param name="since">When it began.</param>
    private void NoteEnd(Exception? cause, long since)
    {
        long now = _time.GetTimestamp();
        if (_time.GetElapsedTime(since, now) >= Behaved)
            _timesMisbehaved = 0;
        if (cause is not (InvalidDataException or JsonException))
            return;
        _pause = _timesMisbehaved == 0 ? TimeSpan.Zero : FirstPause * Math.Pow(2, _timesMisbehaved - 1);
        if (_pause < LongestPause)
            _timesMisbehaved++;
        else
            _pause = LongestPause;
        _misbehaviour = cause;
        _pausedAt = now;
    }
}
