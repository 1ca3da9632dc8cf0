using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>Sockets that were named, or lie in a directory that was: that is consent to use them, whoever manages them.</summary>
internal static class NamedSockets
{
    /// <summary>The monitor at a path, once for each QEMU that listens there; none where no socket lies there, or one that is no monitor of its QEMU.</summary>
    public static IReadOnlyList<Sighting> Look(string path, HostView view, QemuProcesses processes, bool findsOwner)
    {
        using SocketEntry? entry = SocketEntry.Open(path, view.OwnMounts, out _);
        if (entry is not { IsSocket: true })
            return [];
        SocketFile file = entry.File;
        KnownListener? before = findsOwner ? processes.ListenerAt(file, view) : null;
        (NetNamespace Place, UnixSocketEntry Listener)? found = before is not null ? (before.Place, before.Socket) : view.FindListener(file);
        if (found is null && findsOwner && !view.MayListenUnseen)
            return [];

        // Nobody listens, or in a place that cannot be seen: connecting tells.
        MonitorKey key = new(found?.Listener.Inode ?? 0, file, entry.MadeAt);
        List<QemuProcess> owners = [];

        // What was passed to one may have been passed to another since, which listens there too.
        if (before is not null && before.Owner.CommandLine.Binds(before.Socket.Name))
        {
            owners.Add(before.Owner);
        }
        else if (findsOwner && found is { } known)
        {
            if (!TryFindOwners(known.Listener, view, processes, owners))
                return [];
            if (owners is [var only])
                processes.Listeners.Add(file, new KnownListener(only, PlaceOf(only, known.Place), known.Listener));
        }

        // Who was connected to once waits no more.
        Int128? madeAt = entry.WasConnectedTo ? null : entry.ModifiedAt;
        return owners.Count == 0 ? [Seen(null)] : [.. owners.Select(Seen)];

        Sighting Seen(QemuProcess? owner)
        {
            MonitorEndpoint endpoint = new(path, key, owner is not null && found is { Place: var place } ? PlaceOf(owner, place) : found?.Place, view, seen => Reopen(path, seen))
            {
                Owner = owner,
                IsProvenByTable = owner is not null,
                BoundName = found?.Listener.Name,
                FindWaiting = madeAt is { } made && found?.Listener is { Name: { } name, Inode: var inode } ? FindWaiting(name, inode, made, owner) : null,
            };
            return new Sighting(owner, null, owner?.Uid ?? 0, [MonitorCandidate.Usable(endpoint, isNamed: true)]) { MayBeNoMonitor = findsOwner && owner is null };
        }
    }

    // As long as QEMU lives there is a way into its own network namespace; whoever the namespace was found through may end before.
    private static NetNamespace PlaceOf(QemuProcess owner, NetNamespace found) =>
        !found.IsOwn && NetNamespace.Of(owner.Pid) is { } own && own.Equals(found) ? own : found;

    // False where QEMUs have the socket, and it is no monitor of any.
    private static bool TryFindOwners(UnixSocketEntry listener, HostView view, QemuProcesses processes, List<QemuProcess> owners)
    {
        bool isTheirs = false;
        foreach (QemuProcess holder in processes.OwnersOf(listener.Inode, view))
        {
            if (IsMonitor(holder, listener))
            {
                owners.Add(holder);

                // What was passed to it may have been passed to others, which listen there too.
                if (holder.CommandLine.Binds(listener.Name))
                    return true;
                continue;
            }

            if (owners.Count > 0)
                continue;

            // It made the socket for something else, whatever a file says that could not be read. Who does not even name it only inherited
            // it, and the next may be whose it is.
            if (listener.Name is { } name && holder.CommandLine.Mentions(name) && !holder.CommandLine.MayBecomeMonitor(name))
                return false;

            // Of whom not all is known that it was told, the socket may be a monitor after all: its greeting tells.
            isTheirs |= holder.CommandLine.UnreadConfiguration is null;
        }

        return owners.Count > 0 || !isTheirs;
    }

    // Null where nobody waits there: most command lines say so, and nothing has to be looked for.
    private static Func<WaitingProcess?>? FindWaiting(string name, uint inode, Int128 madeAt, QemuProcess? owner) =>
        owner is null ? () => SocketMaker.FindWaiting(name, inode, madeAt)
        : owner.CommandLine.WaitsAt(name) ? () => new WaitingProcess(owner.Pid, IsCertain: true)
        : null;

    // Guest agents, consoles and human monitors have sockets of the same process. It bound them to what its command line says.
    private static bool IsMonitor(QemuProcess owner, UnixSocketEntry listener) =>
        owner.CommandLine.Binds(listener.Name)
        || owner.CommandLine.Monitors.Any(monitor => monitor.Descriptor is { } fd && ProcessSockets.Read(owner.Pid, fd) == listener.Inode);

    private static SocketEntry Reopen(string path, HostView view) =>
        SocketEntry.Open(path, view.OwnMounts, out int errno) ?? throw QmpErrors.CannotConnect(path, errno);
}
