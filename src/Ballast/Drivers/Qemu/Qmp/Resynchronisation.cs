using System.Globalization;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Finds the place again among late answers and answers that nobody asked for: a mark is sent, a question with an id, and what
/// comes before its answer is thrown away.
/// </summary>
internal sealed class Resynchronisation(Lock gate) : MonitorPart(gate)
{
    private long _lastMark;
    private long _awaitedMark;
    private bool _isNeeded;

    /// <summary>Whether a mark was sent and has not come back.</summary>
    public bool IsUnderWay => _awaitedMark != 0;

    /// <summary>Whether an answer may come that belongs to nobody: a mark goes ahead of the next question.</summary>
    public bool IsNeeded => _isNeeded;

    public void Require()
    {
        AssertLocked();
        _isNeeded = true;
    }

    public byte[] MakeMark()
    {
        AssertLocked();
        _isNeeded = false;
        _awaitedMark = ++_lastMark;
        Metrics.Resynchronisations.Add(1);
        return QmpCommands.Synchronise(_awaitedMark);
    }

    /// <returns>Whether this is the answer to the mark; then all is in its place again.</returns>
    public bool TryEnd(in QmpMessage message)
    {
        AssertLocked();
        if (!long.TryParse(message.Id, NumberStyles.None, CultureInfo.InvariantCulture, out long mark) || mark != _awaitedMark)
            return false;
        _awaitedMark = 0;
        return true;
    }

    /// <summary>The connection ended.</summary>
    public void Reset()
    {
        AssertLocked();
        _awaitedMark = 0;
        _isNeeded = false;
    }
}
