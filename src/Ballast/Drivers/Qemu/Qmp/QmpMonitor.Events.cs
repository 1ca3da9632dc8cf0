namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private long _eventSecond;
    private int _eventsThisSecond;
    private bool _wasIncoming;
    private bool _wasResumed;
    private bool _wasMigrated;

    /// <summary>The balloon's size as last told by an answer or an event, in bytes; null where nobody said.</summary>
    public ulong? ActualBytes { get; private set; }

    /// <summary>libvirt's reason for "running": booted, migrated or unpaused.</summary>
    public int RunningReason => _wasResumed ? (_wasMigrated ? 2 : 5) : 1;

    /// <summary>The lock is held.</summary>
    private void HandleEvent(QmpMessage message)
    {
        long second = _time.GetTimestamp() / _time.TimestampFrequency;
        _eventsThisSecond = second == _eventSecond ? _eventsThisSecond + 1 : 1;
        _eventSecond = second;
        if (_eventsThisSecond > QmpLimits.MaxEventsPerSecond)
            throw new InvalidDataException("it sends events without end");

        if (message.Body.SequenceEqual("\"BALLOON_CHANGE\""u8))
        {
            ulong actual = QmpReplies.ReadMemberUInt64(message.Data, "actual"u8, "BALLOON_CHANGE");
            if (actual < GuestStats.ImpossibleBytes)
                ActualBytes = actual;
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
            ForgetBalloon(balloon);
        }
    }

    private void NoteRunState(RunState state)
    {
        if (state == RunState.InMigrate)
            _wasIncoming = true;
    }
}
