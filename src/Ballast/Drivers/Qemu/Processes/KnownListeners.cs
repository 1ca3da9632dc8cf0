using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>A QEMU's listening socket, and the network namespace that it is in.</summary>
internal sealed record KnownListener(QemuProcess Owner, NetNamespace Place, UnixSocketEntry Socket);

/// <summary>
/// Sockets at which QEMUs were seen to listen. A socket stays bound to its entry, and listens, as long as anybody has it open: who still
/// has it in its descriptor table listens there, and nobody has to read the table of all sockets, in which any user can have thousands.
/// </summary>
internal sealed class KnownListeners
{
    private readonly Dictionary<SocketFile, KnownListener> _known = [];

    public void Add(SocketFile file, KnownListener listener) => _known[file] = listener;

    /// <summary>The socket at an entry, if it is one of those that a process has open; null where that is not known.</summary>
    public UnixSocketEntry? Find(SocketFile file, ProcessSockets? own) =>
        own is not null && _known.TryGetValue(file, out KnownListener? known) && own.Contains(known.Socket.Inode) ? known.Socket : null;

    /// <summary>The socket at an entry, if the process that was seen to have it still does; null where that is not known.</summary>
    public KnownListener? Find(SocketFile file, HostView view) =>
        _known.TryGetValue(file, out KnownListener? known) && known.Owner.SocketsIn(view)?.Contains(known.Socket.Inode) == true ? known : null;

    /// <summary>What one of those sockets was bound to, if a process has it open; null where that is not known.</summary>
    public string? NameOf(uint inode, ProcessSockets? own) =>
        own?.Contains(inode) == true ? _known.Values.FirstOrDefault(known => known.Socket.Inode == inode)?.Socket.Name : null;

    /// <summary>Those of other processes are forgotten.</summary>
    public void Keep(Func<QemuProcess, bool> isThere)
    {
        foreach (SocketFile file in _known.Where(known => !isThere(known.Value.Owner)).Select(known => known.Key).ToArray())
            _known.Remove(file);
    }
}
