using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>One thing that a look found.</summary>
/// <param name="Process">The QEMU; null where only a socket was found and nobody knows yet whose it is.</param>
/// <param name="Distrust">Why nothing that the process says is believed; null where it is.</param>
/// <param name="Uid">The process's user.</param>
/// <param name="Monitors">Its monitors.</param>
internal sealed record Sighting(QemuProcess? Process, string? Distrust, uint Uid, IReadOnlyList<MonitorCandidate> Monitors)
{
    /// <summary>Whether it is only a socket that lies beside monitors, and may be anything.</summary>
    public bool MayBeNoMonitor { get; init; }
}
