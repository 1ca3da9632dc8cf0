using System.Runtime.InteropServices;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A listening unix socket.</summary>
/// <param name="Inode">The socket's own inode, as in /proc/PID/fd.</param>
/// <param name="Name">The path it was bound to, as it was written; null where there is none.</param>
internal readonly record struct UnixSocketEntry(uint Inode, string? Name);

/// <summary>
/// The unix sockets of one network namespace at one moment. A socket is found by the entry that it was bound to, never
/// by the text of its path: entries are moved, and the same text means another thing to every process.
/// </summary>
/// <remarks>
/// Any user can open a hundred thousand of them. So no more of each is kept than its numbers and the bytes of its path, and those that
/// do not listen, which only who is about to connect asks for, are read when somebody does.
/// </remarks>
internal sealed class UnixSocketTable
{
    private static readonly Lock Turn = new();
    private static readonly WeakReference<UnixSocketTable?> Last = new(null);
    private static long _begun;

    private readonly NetNamespace _place;
    private readonly long _number;

    // Those that were bound to an entry, with where their names and their clients stand, and the others' inodes.
    private readonly List<Row> _listeners = [];
    private readonly List<byte> _names = [];
    private readonly List<uint> _waiting = [];
    private readonly List<uint> _otherListeners = [];

    private readonly Lock _reading = new();
    private Connections? _connections;

    // All of them, for whoever looks for many.
    private HashSet<uint>? _inodes;

    private UnixSocketTable(NetNamespace place, long number)
    {
        _place = place;
        _number = number;
    }

    /// <summary>Null where the kernel does not tell, or not this user.</summary>
    /// <remarks>Those who ask while another reads the table of this network namespace share the next reading, which begins after they asked.</remarks>
    public static UnixSocketTable? Read(NetNamespace place)
    {
        if (!place.IsOwn)
            return ReadNow(place, 0);
        long begun = Volatile.Read(ref _begun);
        lock (Turn)
        {
            if (Last.TryGetTarget(out UnixSocketTable? last) && last._number > begun)
                return last;
            UnixSocketTable? table = ReadNow(place, Interlocked.Increment(ref _begun));
            Last.SetTarget(table);
            return table;
        }
    }

    private static UnixSocketTable? ReadNow(NetNamespace place, long number)
    {
        using UnixSocketDiag? diag = UnixSocketDiag.Open(place);
        UnixSocketTable table = new(place, number);
        return diag?.ReadListeners(table.AddListener) == true ? table : null;
    }

    /// <summary>
    /// Whether somebody is connected, or waits to be, to the socket that lies at a path of this process. Connecting to such
    /// a monitor would queue behind its owner, and take the owner's place when it reconnects.
    /// </summary>
    public static bool IsHeld(string path) =>
        SocketFile.Of(path) is { } file && Read(NetNamespace.Own)?.ClientsOf(file) is { Count: > 0 };

    /// <summary>How many listening sockets there are.</summary>
    public int Listeners => _listeners.Count + _otherListeners.Count;

    /// <summary>The socket that waits for clients at an entry; null where nobody listens.</summary>
    public UnixSocketEntry? Listener(SocketFile file)
    {
        int at = _listeners.FindLastIndex(row => row.File == file);
        return at < 0 ? null : Entry(_listeners[at]);
    }

    /// <summary>Whether any of the given sockets waits for clients.</summary>
    public bool HasListener(IReadOnlySet<uint> inodes) =>
        _listeners.Exists(row => inodes.Contains(row.Inode)) || _otherListeners.Exists(inodes.Contains);

    /// <summary>A listening socket that was bound to a path, by its own inode.</summary>
    public UnixSocketEntry? Find(uint inode)
    {
        int at = _listeners.FindIndex(row => row.Inode == inode);
        return at < 0 ? null : Entry(_listeners[at]);
    }

    /// <summary>Where those of the given sockets listen that were bound to an absolute path.</summary>
    public IEnumerable<string> PathsOfListeners(IReadOnlySet<uint> inodes) =>
        _listeners.Where(row => inodes.Contains(row.Inode)).Select(row => Entry(row).Name)
            .OfType<string>().Where(name => name.StartsWith('/')).Order(StringComparer.Ordinal);

    /// <summary>
    /// The clients of the socket at an entry, also those that wait to be accepted; null where the kernel does not tell. A connection whose
    /// client is gone has no peer any more: it only waits for QEMU to see that.
    /// </summary>
    public List<uint>? ClientsOf(SocketFile file)
    {
        if (ServedAt(file) is not { } clients)
            return null;
        foreach (Row row in CollectionsMarshal.AsSpan(_listeners))
        {
            if (row.File == file)
                clients.AddRange(_waiting.GetRange(row.WaitingAt, row.WaitingCount).Where(inode => inode != 0));
        }

        return clients;
    }

    /// <summary>The clients that were accepted at an entry, and are still there; null where the kernel does not tell.</summary>
    public List<uint>? ServedAt(SocketFile file) =>
        ReadConnections()?.Accepted.Where(accepted => accepted.File == file).Select(accepted => accepted.Client).ToList();

    /// <summary>Whether a socket is in this namespace, by its own inode; false also where the kernel does not tell.</summary>
    public bool Has(uint inode) => (_inodes ??= [.. _listeners.Select(row => row.Inode), .. _otherListeners, .. ReadConnections()?.Inodes ?? []]).Contains(inode);

    private void AddListener(in UnixSocketMessage socket)
    {
        if (socket.File is not { } file)
        {
            _otherListeners.Add(socket.Inode);
            return;
        }

        _listeners.Add(new Row(socket.Inode, file, _names.Count, socket.Name.Length, _waiting.Count, socket.Waiting.Length));
        _names.AddRange(socket.Name);
        _waiting.AddRange(socket.Waiting);
    }

    // What could not be read is read again by who asks next.
    private Connections? ReadConnections()
    {
        lock (_reading)
        {
            if (_connections is null)
            {
                using UnixSocketDiag? diag = UnixSocketDiag.Open(_place);
                Connections connections = new();
                if (diag?.ReadConnections(connections.Add) == true)
                    _connections = connections;
            }

            return _connections;
        }
    }

    private UnixSocketEntry Entry(in Row row) => new(
        row.Inode, row.NameLength == 0 ? null : PathText.Decode(CollectionsMarshal.AsSpan(_names).Slice(row.NameAt, row.NameLength)));

    private readonly record struct Row(uint Inode, SocketFile File, int NameAt, int NameLength, int WaitingAt, int WaitingCount);

    private sealed class Connections
    {
        /// <summary>Those that were accepted at an entry and whose clients are still there.</summary>
        public List<(SocketFile File, uint Client)> Accepted { get; } = [];

        public List<uint> Inodes { get; } = [];

        public void Add(in UnixSocketMessage socket)
        {
            Inodes.Add(socket.Inode);
            if (socket is { File: { } file, Peer: not 0 })
                Accepted.Add((file, socket.Peer));
        }
    }
}
