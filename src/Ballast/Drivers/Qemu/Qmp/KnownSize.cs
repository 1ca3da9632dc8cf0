namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// The balloon's size without a question of its own. QEMU tells of a change with an event, which comes before any reply
/// that knows of the change; so where the last answer stands and no event came, the size is what it was. Only two things
/// get by: QEMU tells of changes once a second at most, and it has no event for memory that is plugged in. Hence nothing
/// is concluded while anything moved a short time ago, and the size is asked for again every second.
/// </summary>
internal sealed class KnownSize(Lock gate, TimeProvider time) : MonitorPart(gate)
{
    // Many times QEMU's second, should its timer be late.
    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IsGood = TimeSpan.FromSeconds(1);

    private ulong? _bytes;
    private long _movedAt;
    private long _askedAt;
    private long? _toldAt;
    private bool _isLeftOut;

    /// <summary>The size as last told by an answer or an event, in bytes; null where nobody said.</summary>
    public ulong? Bytes => _bytes;

    /// <summary>A connection began, and its greeting told the size, or not.</summary>
    public void Start(ulong? bytes)
    {
        AssertLocked();
        _bytes = bytes;
        _toldAt = null;
        NoteMove();
    }

    /// <summary>An event told it.</summary>
    public void Change(ulong? bytes)
    {
        AssertLocked();
        _bytes = bytes;
    }

    /// <summary>Something happened that may change it.</summary>
    public void NoteMove() => _movedAt = time.GetTimestamp();

    /// <summary>Leaves out the question for the size where its answer is known.</summary>
    public MonitorParts WithoutKnown(MonitorParts parts)
    {
        AssertLocked();

        // The reply that an event comes before: without one nothing is known.
        const MonitorParts both = MonitorParts.Balloon | MonitorParts.GuestStats;
        long now = time.GetTimestamp();
        _isLeftOut = (parts & both) == both && IsSettled(now) && _toldAt is { } toldAt && time.GetElapsedTime(toldAt, now) < IsGood;
        if (_isLeftOut)
            return parts & ~MonitorParts.Balloon;
        if ((parts & MonitorParts.Balloon) != 0)
            NoteQuestion(now);
        return parts;
    }

    /// <summary>Puts the size that was left out among the answers.</summary>
    /// <param name="values">The answers.</param>
    /// <param name="isAwaited">Whether anybody waits for them.</param>
    /// <returns>False where something happened meanwhile: it has to be asked for after all.</returns>
    public bool TryAdd(ref MonitorValues values, bool isAwaited)
    {
        AssertLocked();
        if (!_isLeftOut)
            return true;
        _isLeftOut = false;
        if (!isAwaited)
            return true;
        long now = time.GetTimestamp();
        if (values.GuestStatsError is null && _bytes is { } bytes && IsSettled(now))
        {
            values.ActualBytes = bytes;
            values.Answered |= MonitorParts.Balloon;
            return true;
        }

        NoteQuestion(now);
        return false;
    }

    /// <summary>What the answers tell of it.</summary>
    public void Note(in MonitorValues values)
    {
        AssertLocked();
        if (values.Has(MonitorParts.Balloon) || values.BalloonError is { Class: QmpErrorClass.DeviceNotActive })
            _bytes = values.ActualBytes;
        if (values.ActualBytes is not null)
            _toldAt ??= _askedAt;
    }

    private void NoteQuestion(long now)
    {
        _askedAt = now;
        _toldAt = null;
    }

    private bool IsSettled(long now) => time.GetElapsedTime(_movedAt, now) >= Settles;
}
