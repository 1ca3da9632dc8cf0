namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// The balloon's size without a question of its own. QEMU tells of a change with an event, which comes before any reply
/// that knows of the change; so where the last answer stands and no event came, the size is what it was. Only two things
/// get by: QEMU tells of changes once a second at most, and it has no event for memory that is plugged in. Hence nothing
/// is concluded while anything moved a short time ago, and the size is asked for again every second.
/// </summary>
internal sealed partial class QmpMonitor
{
    // Many times QEMU's second, should its timer be late.
    private static readonly TimeSpan SizeSettles = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SizeIsGood = TimeSpan.FromSeconds(1);

    private ulong? _actualBytes;
    private long _lastMove;
    private long _sizeQuestionAt;
    private long? _sizeToldAt;
    private bool _leavesOutSize;
    private bool _askedForDevices;

    /// <summary>The balloon's size as last told by an answer or an event, in bytes; null where nobody said.</summary>
    public ulong? ActualBytes
    {
        get
        {
            lock (_gate)
                return _actualBytes;
        }
    }

    /// <summary>Leaves out the question for the size where its answer is known. The lock is held.</summary>
    private MonitorParts WithoutKnownSize(MonitorParts parts)
    {
        // The reply that an event comes before: without one nothing is known.
        const MonitorParts both = MonitorParts.Balloon | MonitorParts.GuestStats;
        long now = _time.GetTimestamp();
        _leavesOutSize = (parts & both) == both && IsSettled(now)
            && _sizeToldAt is { } toldAt && _time.GetElapsedTime(toldAt, now) < SizeIsGood;
        if (_leavesOutSize)
            return parts & ~MonitorParts.Balloon;
        if ((parts & MonitorParts.Balloon) != 0)
            NoteSizeQuestion(now);
        return parts;
    }

    /// <summary>
    /// Puts the size that was not asked for among the answers; asks for it after all where something happened meanwhile,
    /// and then returns false. The lock is held.
    /// </summary>
    private bool TryAddKnownSize()
    {
        if (!_leavesOutSize)
            return true;
        _leavesOutSize = false;
        if (_asked.Count == 0)
            return true;
        long now = _time.GetTimestamp();
        if (_values.GuestStatsError is null && _actualBytes is { } actual && IsSettled(now))
        {
            _values.ActualBytes = actual;
            _values.Answered |= MonitorParts.Balloon;
            return true;
        }

        NoteSizeQuestion(now);
        Ask(MonitorParts.Balloon);
        return false;
    }

    /// <summary>Asks of what kinds it is, where memory was plugged: virtio-mem counts otherwise than DIMMs. The lock is held.</summary>
    private bool AsksForMemoryDevices()
    {
        if (_asked.Count == 0 || _values.PluggedBytes == 0 || _askedForDevices)
            return false;
        Ask(MonitorParts.MemoryDevices);
        return true;
    }

    private void NoteSizeQuestion(long now)
    {
        _sizeQuestionAt = now;
        _sizeToldAt = null;
    }

    private void NoteSize()
    {
        if (_values.HasActual)
        {
            _actualBytes = _values.ActualBytes;
            _sizeToldAt ??= _sizeQuestionAt;
        }
        else if (_values.BalloonError is { Class: QmpErrorClass.DeviceNotActive })
        {
            _actualBytes = null;
        }
    }

    private void NoteMove() => _lastMove = _time.GetTimestamp();

    private bool IsSettled(long now) => _time.GetElapsedTime(_lastMove, now) >= SizeSettles;
}
