using System.Diagnostics;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A part of a monitor: its state is its own, and is touched only while the monitor's lock is held.</summary>
internal abstract class MonitorPart(Lock gate)
{
    /// <summary>The monitor's lock.</summary>
    protected Lock Gate => gate;

    [Conditional("DEBUG")]
    protected void AssertLocked() => Debug.Assert(gate.IsHeldByCurrentThread, "The monitor's lock is not held.");
}
