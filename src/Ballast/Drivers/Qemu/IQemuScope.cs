using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>Which of the host's QEMUs a connection is about: one socket, the sockets of a directory, or all of them.</summary>
internal interface IQemuScope
{
    /// <summary>What there is now. Connects to nobody.</summary>
    IEnumerable<Sighting> Look(HostView view, QemuProcesses processes);

    /// <summary>Whether a look could tell something new.</summary>
    bool MayHaveChanged();

    /// <summary>What was taken for a monitor is none.</summary>
    void Disregard(MonitorKey key);
}

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
