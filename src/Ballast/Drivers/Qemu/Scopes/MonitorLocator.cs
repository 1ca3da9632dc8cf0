using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>
/// Finds the socket of a monitor that a QEMU's command line offers: the entry that its path means to the process, and that
/// leads to a listening socket of its own.
/// </summary>
internal static class MonitorLocator
{
    /// <param name="process">The QEMU.</param>
    /// <param name="uid">Its user.</param>
    /// <param name="monitor">What its command line says.</param>
    /// <param name="view">The host.</param>
    /// <param name="listeners">Sockets that were seen before: as long as all are, the table is not read.</param>
    public static MonitorCandidate Locate(QemuProcess process, uint uid, MonitorSocket monitor, HostView view, KnownListeners listeners)
    {
        using LookTrouble trouble = new() { IsOfStranger = true };
        NetNamespace place = NetNamespace.Of(process.Pid) ?? NetNamespace.Own;
        string name = monitor.Path ?? monitor.Address ?? "fd";
        ProcessSockets? own = process.SocketsIn(view);
        UnixSocketTable? table = null;
        string? path = monitor.Path;
        if (monitor.Kind == MonitorKind.PassedDescriptor)
        {
            path = null;
            if (monitor.Descriptor is { } descriptor && ProcessSockets.Read(process.Pid, descriptor) is { } inode
                && (path = listeners.NameOf(inode, own)) is null)
            {
                if ((table = view.Sockets(place)) is null)
                    return CannotTell(name);
                path = table.Find(inode)?.Name;
            }

            name = path ?? name;
        }

        if (string.IsNullOrEmpty(path))
        {
            (string why, bool isDenied) = monitor.Kind == MonitorKind.Unix ? ("its command line leaves the path to QEMU, which makes one up", false)
                : own is null ? ("this user may not see which socket was passed to QEMU", true)
                : ("no unix socket with a path was passed to QEMU", false);
            return MonitorCandidate.Refused(() => QmpErrors.NotLocated(name, why, isDenied));
        }

        LookFailures reasons = new();
        UnixSocketEntry? foreign = null;
        foreach (SocketEntry entry in Entries(process, path, view.MountsOf(process.Pid), view.OwnMounts, reasons))
        {
            using (entry)
            {
                UnixSocketEntry? found = listeners.Find(entry.File, own);
                if (found is null && (table ??= view.Sockets(place)) is null)
                    return CannotTell(name);
                if ((found ?? table?.Listener(entry.File)) is not { } listener)
                {
                    reasons.Add(entry.IsSocket ? $"no process listens at '{path}'" : $"'{path}' is not a socket", 0);
                }
                else if (own?.Contains(listener.Inode) == false)
                {
                    foreign ??= listener;
                }
                else if (trouble.Failure is { IsWant: true } want)
                {
                    // Part of what it would remember was not seen.
                    return MonitorCandidate.Refused(() => QmpErrors.CannotLook(want));
                }
                else
                {
                    MonitorKey key = new(listener.Inode, entry.File, entry.MadeAt);
                    if (found is null && own is not null)
                        listeners.Add(entry.File, new KnownListener(process, place, listener));
                    return MonitorCandidate.Usable(
                        new MonitorEndpoint(name, key, place, view, seen => Reopen(process, path, key, name, seen))
                        {
                            Owner = process,
                            OwnerUid = uid,
                            Subject = HostLook.PathsOf(process.Pid),
                            IsProvenByTable = own is not null,
                            BoundName = listener.Name,
                            EntryPlace = entry.Place,
                        }, isNamed: false);
                }
            }
        }

        if (foreign is null && trouble.Failure is { IsWant: true } lack)
            return MonitorCandidate.Refused(() => QmpErrors.CannotLook(lack));
        int pid = process.Pid;
        return MonitorCandidate.Refused(() => foreign is { } other
            ? NotOwn(name, pid, other.Inode)
            : QmpErrors.NotLocated(name, reasons.ToString(), reasons.IsDenied));
    }

    private static MonitorCandidate CannotTell(string name)
    {
        LookFailure? failure = LookTrouble.Now;
        return MonitorCandidate.Refused(() => failure is { } met ? QmpErrors.CannotLook(met) : QmpErrors.HolderUnknown(name));
    }

    private static LibvirtException NotOwn(string name, int pid, uint listener)
    {
        (int Pid, string Text)? other = SocketHolder.Find([listener]);
        return QmpErrors.NotOwn(name, pid, other?.Text ?? "one that Ballast cannot see", other is { } found ? ProcessTable.OwnerOf(found.Pid) : null);
    }

    // Its path again, and not the handle of the first look: a held handle would keep a file system mounted.
    private static SocketEntry Reopen(QemuProcess process, string path, MonitorKey key, string name, HostView view)
    {
        LookFailures reasons = new();
        SocketEntry? last = null;
        foreach (SocketEntry entry in Entries(process, path, view.MountsOf(process.Pid), view.OwnMounts, reasons))
        {
            last?.Dispose();
            last = entry;
            if (key.IsAt(entry))
                return entry;
        }

        return last ?? throw QmpErrors.NotLocated(name, reasons.ToString(), reasons.IsDenied);
    }

    private static IEnumerable<SocketEntry> Entries(
        QemuProcess process, string path, MountTable mounts, MountTable ownMounts, LookFailures reasons) =>
        ProcessPath.Entries(process.Pid, path, process.CommandLine.LaunchDirectory, mounts, ownMounts, reasons);
}
