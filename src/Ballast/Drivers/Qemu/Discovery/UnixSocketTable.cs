namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// The unix sockets of one network namespace at one moment. A socket is found by the entry that it was bound to, never
/// by the text of its path: entries are moved, and the same text means another thing to every process.
/// </summary>
internal sealed class UnixSocketTable
{
    private readonly List<UnixSocketEntry> _entries;
    private readonly Dictionary<SocketFile, UnixSocketEntry> _listeners = [];
    private HashSet<uint>? _inodes;

    private UnixSocketTable(List<UnixSocketEntry> entries)
    {
        _entries = entries;
        foreach (UnixSocketEntry entry in entries)
        {
            if (entry is { IsListening: true, File: { } file })
                _listeners[file] = entry;
        }
    }

    /// <summary>Null where the kernel does not tell, or not this user.</summary>
    public static UnixSocketTable? Read(NetNamespace place) => UnixSocketDiag.ReadAll(place) is { } entries ? new(entries) : null;

    /// <summary>
    /// Whether somebody is connected, or waits to be, to the socket that lies at a path of this process. Connecting to such
    /// a monitor would queue behind its owner, and take the owner's place when it reconnects.
    /// </summary>
    public static bool IsHeld(string path) =>
        SocketFile.Of(path) is { } file && Read(NetNamespace.Own) is { } table && table.ClientsOf(file).Any();

    /// <summary>The socket that waits for clients at an entry; null where nobody listens.</summary>
    public UnixSocketEntry? Listener(SocketFile file) => _listeners.TryGetValue(file, out UnixSocketEntry entry) ? entry : null;

    /// <summary>Whether a socket is in this namespace, by its own inode.</summary>
    public bool Contains(uint inode) => (_inodes ??= [.. _entries.Select(entry => entry.Inode)]).Contains(inode);

    /// <summary>Whether any of the given sockets waits for clients.</summary>
    public bool HasListener(HashSet<uint> inodes) => _entries.Exists(entry => entry.IsListening && inodes.Contains(entry.Inode));

    /// <summary>A socket by its own inode.</summary>
    public UnixSocketEntry? Find(uint inode)
    {
        foreach (UnixSocketEntry entry in _entries)
        {
            if (entry.Inode == inode)
                return entry;
        }

        return null;
    }

    /// <summary>Where those of the given sockets listen that were bound to an absolute path.</summary>
    public IEnumerable<string> PathsOfListeners(IReadOnlySet<uint> inodes) =>
        _entries.Where(entry => entry.IsListening && inodes.Contains(entry.Inode)).Select(entry => entry.Name)
            .OfType<string>().Where(name => name.StartsWith('/')).Order(StringComparer.Ordinal);

    /// <summary>
    /// The clients of the socket at an entry, also those that wait to be accepted. A connection whose client is gone has
    /// no peer any more: it only waits for QEMU to see that.
    /// </summary>
    public IEnumerable<uint> ClientsOf(SocketFile file) =>
        _entries.Where(entry => entry.File == file).SelectMany(entry => entry.Clients);

    /// <summary>The clients that were accepted at an entry, and are still there.</summary>
    public IEnumerable<uint> ServedAt(SocketFile file) =>
        _entries.Where(entry => entry.File == file && !entry.IsListening && entry.PeerInode != 0).Select(entry => entry.PeerInode);
}
