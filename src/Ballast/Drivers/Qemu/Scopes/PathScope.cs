using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>A socket or a directory of them, whichever lies at a path now.</summary>
internal sealed class PathScope(string path, IReadOnlyList<string> ownSockets) : IQemuScope
{
    private readonly DirectoryScope _directory = new(path, ownSockets);
    private readonly SocketScope _socket = new(path);

    private bool _isDirectory;

    // What cannot be looked at is taken for what it was.
    private IQemuScope Current
    {
        get
        {
            using LookTrouble trouble = new();
            FileFacts? found = LinuxFiles.Stat(path, followsLinks: true);
            if (trouble.Failure is null && !trouble.IsDenied)
                _isDirectory = found is { IsDirectory: true };
            return _isDirectory ? _directory : _socket;
        }
    }

    public bool MayHaveChanged() => _directory.MayHaveChanged();

    public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes) => Current.Look(view, processes);

    public bool Disregard(MonitorKey key, bool isCertain) => _directory.Disregard(key, isCertain);
}
