namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Events, and replies that nobody asked for, are taken as long as they are few.</summary>
internal sealed class UnsolicitedLimit(Lock gate, TimeProvider time) : MonitorPart(gate)
{
    private long _second;
    private int _count;

    /// <exception cref="InvalidDataException">There are too many.</exception>
    public void Count()
    {
        AssertLocked();
        long second = time.GetTimestamp() / time.TimestampFrequency;
        _count = second == _second ? _count + 1 : 1;
        _second = second;
        if (_count > QmpLimits.MaxUnsolicitedPerSecond)
            throw new InvalidDataException("it sends too many unsolicited messages");
    }
}
