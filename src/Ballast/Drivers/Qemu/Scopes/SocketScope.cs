using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>The QEMU behind one socket that was named; another one may be there tomorrow.</summary>
internal sealed class SocketScope(string path) : IQemuScope
{
    private FileFacts? _seen;

    public bool MayHaveChanged() => _seen is null || LinuxFiles.Stat(path, followsLinks: true) != _seen;

    // It was named, and is tried again whenever somebody asks for it.
    public bool Disregard(MonitorKey key, bool isCertain) => true;

    public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes)
    {
        _seen = LinuxFiles.Stat(path, followsLinks: true);
        return NamedSockets.Look(path, view, processes, findsOwner: false);
    }

    /// <summary>Whether anything lies at the path.</summary>
    public bool HasEntry()
    {
        using SocketEntry? entry = SocketEntry.Open(path, MountTable.Empty, out _);
        return entry is not null;
    }

    /// <summary>Why there is nothing to look at.</summary>
    public LibvirtException Missing()
    {
        using LookTrouble trouble = new();
        using SocketEntry? entry = SocketEntry.Open(path, MountTable.Empty, out int errno);
        if (trouble is { IsStuck: true, Unanswered: { } failure })
            return QmpErrors.CannotLook(failure);
        const int connectionRefused = 111;
        return QmpErrors.CannotConnect(path, entry is null ? errno : connectionRefused);
    }
}
