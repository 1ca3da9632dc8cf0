using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>Sockets that were named, or lie in a directory that was: that is consent to use them, whoever manages them.</summary>
internal static class NamedSockets
{
    /// <summary>The monitor at a path; null where no socket lies there, or one that is no monitor of its QEMU.</summary>
    public static Sighting? Look(string path, HostView view, QemuProcesses processes, bool findsOwner)
    {
        using SocketEntry? entry = SocketEntry.Open(path, view.OwnMounts, out _);
        if (entry is not { IsSocket: true })
            return null;
        SocketFile file = entry.File;
        (NetNamespace Place, UnixSocketEntry Listener)? found = view.FindListener(file);
        if (found is null && findsOwner)
            return null;

        // Nobody listens, or in a place that cannot be seen: connecting tells.
        MonitorKey key = new(found?.Listener.Inode ?? 0, file);
        QemuProcess? owner = findsOwner && found is { } known ? OwnerOf(known.Listener.Inode, view, processes) : null;
        if (owner is not null && !IsMonitor(owner, found!.Value.Listener))
            return null;
        MonitorEndpoint endpoint = new(path, key, found?.Place, view, seen => Reopen(path, seen))
        {
            Owner = owner,
            IsProvenByTable = owner is not null,
        };
        return new Sighting(owner, null, owner?.Uid ?? 0, [MonitorCandidate.Usable(endpoint, isNamed: true)]) { MayBeNoMonitor = findsOwner && owner is null };
    }

    /// <summary>The QEMU that has a listening socket in its own descriptor table.</summary>
    public static QemuProcess? OwnerOf(uint listener, HostView view, QemuProcesses processes) =>
        processes.Look(view).FirstOrDefault(process => view.SocketsOf(process.Pid)?.Contains(listener) == true);

    // Guest agents, consoles and human monitors have sockets of the same process. It bound them to what its command line says.
    private static bool IsMonitor(QemuProcess owner, in UnixSocketEntry listener)
    {
        foreach (MonitorSocket monitor in owner.CommandLine.Monitors)
        {
            if (monitor.Path is { } path ? path == listener.Name : monitor.Descriptor is { } fd && ProcessSockets.Read(owner.Pid, fd) == listener.Inode)
                return true;
        }

        return false;
    }

    private static SocketEntry Reopen(string path, HostView view) =>
        SocketEntry.Open(path, view.OwnMounts, out int errno) ?? throw QmpErrors.CannotConnect(path, errno);
}
