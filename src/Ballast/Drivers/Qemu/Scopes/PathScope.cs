using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>A socket or a directory of them, whichever lies at a path now.</summary>
internal sealed class PathScope(string path, IReadOnlyList<string> ownSockets) : IQemuScope
{
    private readonly DirectoryScope _directory = new(path, ownSockets);
    private readonly SocketScope _socket = new(path);

    private IQemuScope Current => Directory.Exists(path) ? _directory : _socket;

    public bool MayHaveChanged() => _directory.MayHaveChanged();

    public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes) => Current.Look(view, processes);

    public void Disregard(MonitorKey key) => _directory.Disregard(key);
}
