namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private long _unsolicitedSecond;
    private int _unsolicited;
    private ulong? _actualBytes;
    private bool _wasIncoming;
    private bool _wasResumed;
    private bool _wasMigrated;

    /// <summary>The balloon's size as last told by an answer or an event, in bytes; null where nobody said.</summary>
    public ulong? ActualBytes
    {
        get
        {
            lock (_gate)
                return _actualBytes;
        }
    }

    /// <summary>libvirt's reason for "running": booted, migrated or unpaused.</summary>
    public int RunningReason => _wasResumed ? (_wasMigrated ? 2 : 5) : 1;

    /// <summary>The lock is held.</summary>
    private void HandleEvent(QmpMessage message)
    {
        if (message.Body.SequenceEqual("\"BALLOON_CHANGE\""u8))
        {
            ulong actual = QmpReplies.ReadMemberUInt64(message.Data, "actual"u8, "BALLOON_CHANGE");
            if (actual < GuestStats.ImpossibleBytes)
                _actualBytes = actual;
        }
        else if (message.Body.SequenceEqual("\"RESUME\""u8))
        {
            _wasMigrated = _wasIncoming;
            _wasIncoming = false;
            _wasResumed = true;
        }
        else if (message.Body.SequenceEqual("\"DEVICE_DELETED\""u8)
            && Balloon is { } balloon && QmpReplies.ReadMemberText(message.Data, "path"u8) == balloon.Path)
        {
            UseBalloon(null);
            _actualBytes = null;
        }
    }

    /// <summary>Events, and replies that nobody asked for, are taken as long as they are few. The lock is held.</summary>
    private void CountUnsolicited()
    {
        long second = _time.GetTimestamp() / _time.TimestampFrequency;
        _unsolicited = second == _unsolicitedSecond ? _unsolicited + 1 : 1;
        _unsolicitedSecond = second;
        if (_unsolicited > QmpLimits.MaxUnsolicitedPerSecond)
            throw new InvalidDataException("it sends messages without end that nobody asked for");
    }

    private void NoteRunState(RunState state)
    {
        if (state == RunState.InMigrate)
            _wasIncoming = true;
    }
}
