using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>Which of the host's QEMUs a connection is about: one socket, the sockets of a directory, or all of them.</summary>
internal interface IQemuScope
{
    /// <summary>What there is now. Connects to nobody.</summary>
    IEnumerable<Sighting> Look(HostView view, QemuProcesses processes);

    /// <summary>Whether a look could tell something new.</summary>
    bool MayHaveChanged();

    /// <summary>What was taken for a monitor is none.</summary>
    /// <param name="key">Its socket.</param>
    /// <param name="isCertain">Whether it said so; one that says nothing may be a QEMU that is stopped, and is tried again later.</param>
    /// <returns>Whether it was not disregarded before, as far as the scope remembers.</returns>
    bool Disregard(MonitorKey key, bool isCertain);
}
