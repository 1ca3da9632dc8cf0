namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The query under way: what was asked, what is not answered yet, and the answers so far.</summary>
internal sealed class MonitorQuestion(Lock gate) : MonitorPart(gate)
{
    private MonitorParts _asked;
    private MonitorParts _unanswered;
    private MonitorValues _values;

    public ref MonitorValues Values => ref _values;

    public bool IsAnswered => _unanswered == MonitorParts.None;

    public void Start()
    {
        AssertLocked();
        _values = default;
        _asked = MonitorParts.None;
    }

    /// <summary>These are asked too.</summary>
    public void Ask(MonitorParts parts)
    {
        AssertLocked();
        _asked |= parts;
        _unanswered = parts;
    }

    /// <summary>Whether it was asked in this query.</summary>
    public bool HasAsked(MonitorParts part) => (_asked & part) != 0;

    /// <summary>Takes the next reply: replies come in the order of the parts.</summary>
    /// <returns>The part that it answers.</returns>
    public MonitorParts Read(in QmpMessage message)
    {
        AssertLocked();
        MonitorParts part = (MonitorParts)((int)_unanswered & -(int)_unanswered);
        if (message.Kind == QmpMessageKind.Return)
            QmpReplies.Read(part, message.Body, ref _values);
        else if (part == MonitorParts.Balloon)
            _values.BalloonError = QmpError.Parse(message.Body);
        else if (part == MonitorParts.GuestStats)
            _values.GuestStatsError = QmpError.Parse(message.Body);
        else if (part == MonitorParts.VirtioStatus)
            _values.LacksVirtioStatus = QmpError.Parse(message.Body).Class == QmpErrorClass.CommandNotFound;
        else
            _ = QmpError.Parse(message.Body);
        _unanswered &= ~part;
        return part;
    }
}
