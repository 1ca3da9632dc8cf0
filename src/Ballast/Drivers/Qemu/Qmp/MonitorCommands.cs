namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The commands that ask a monitor, as they are sent: they name its balloon device, where one was found.</summary>
internal sealed class MonitorCommands(Lock gate) : MonitorPart(gate)
{
    private readonly Dictionary<MonitorParts, byte[]> _questions = [];

    public BalloonDevice? Balloon { get; private set; }

    public void UseBalloon(BalloonDevice? balloon)
    {
        AssertLocked();
        Balloon = balloon;
        _questions.Clear();
    }

    /// <summary>What can be asked of those: nothing about a balloon where there is none.</summary>
    public MonitorParts Askable(MonitorParts parts) => Balloon is null ? parts & ~BalloonDevice.Parts : parts;

    public byte[] Questions(MonitorParts parts)
    {
        AssertLocked();
        if (!_questions.TryGetValue(parts, out byte[]? commands))
            _questions[parts] = commands = QmpCommands.Query(parts, Balloon);
        return commands;
    }
}
