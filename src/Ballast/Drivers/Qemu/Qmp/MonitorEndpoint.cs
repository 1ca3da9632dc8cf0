using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Which listening socket a monitor is, whatever its entry is called: one key, one monitor.</summary>
/// <param name="Listener">The inode of the listening socket; 0 where no table could be read that has it.</param>
/// <param name="File">The entry that it is bound to.</param>
/// <param name="MadeAt">
/// When that entry was made, in nanoseconds since 1970: many file systems give the number of one that was removed to the next, and
/// where no table shows who listens nothing else tells them apart.
/// </param>
internal readonly record struct MonitorKey(uint Listener, SocketFile File, Int128 MadeAt)
{
    /// <summary>Whether an entry is the one that it is bound to.</summary>
    public bool IsAt(SocketEntry entry) => entry.File == File && entry.MadeAt == MadeAt;
}

/// <summary>How a monitor that was found is reached, and whose it must be: its process, and nobody who took its place since.</summary>
/// <param name="name">The socket's path as its user knows it.</param>
/// <param name="key">Which socket it is.</param>
/// <param name="place">The network namespace whose table has it; null where that is not known.</param>
/// <param name="seen">The host as it was found in.</param>
/// <param name="open">Opens its entry, as the host is seen.</param>
internal sealed class MonitorEndpoint(string name, MonitorKey key, NetNamespace? place, HostView seen, Func<HostView, SocketEntry> open)
{
    private const int Eagain = 11, NoInode = 5, MostOwn = 8;

    // One process, seen by each connection that uses the monitor.
    private readonly List<IMonitorOwner> _owners = [];
    private HostView? _seen = seen;
    private int? _peerPid;
    private long _connectedAt;

    // Connections of ours: the last, and some before it, whose end QEMU may not have seen yet.
    private readonly List<uint> _own = [];

    // Those that are not closed yet; guarded as the former are.
    private readonly List<UnixSocketHandle> _sockets = [];

    /// <summary>The socket's path as its user knows it; for messages.</summary>
    public string Name => name;

    public MonitorKey Key => key;

    /// <summary>The network namespace whose table has the socket; null where that is not known.</summary>
    public NetNamespace? Place => place;

    /// <summary>The process that it belongs to; null as long as only its peer is known.</summary>
    public IMonitorOwner? Owner
    {
        get
        {
            lock (_owners)
                return _owners.Find(owner => !owner.IsClosed) ?? _owners.LastOrDefault();
        }

        set
        {
            lock (_owners)
            {
                _owners.Clear();
                if (value is not null)
                    _owners.Add(value);
            }
        }
    }

    /// <summary>
    /// The process as another connection sees it that shares the monitor: it stands in when the first one's view of the process
    /// is closed with its connection.
    /// </summary>
    /// <param name="owner">The process.</param>
    /// <param name="isProven">Whether the socket was shown to be its, so that it may be taken where nobody is known.</param>
    public void AddOwner(IMonitorOwner owner, bool isProven)
    {
        lock (_owners)
        {
            bool isSame = _owners.Exists(known => known.Pid == owner.Pid);
            if (!isSame && !(isProven && _owners.TrueForAll(known => known.IsClosed)))
                return;
            _owners.RemoveAll(known => known.IsClosed || known == owner);
            _owners.Add(owner);
        }
    }

    /// <summary>The user whose monitor it must be; null where its user was named together with the socket.</summary>
    public uint? OwnerUid { get; init; }

    /// <summary>Whether the listening socket was seen in its owner's own descriptor table.</summary>
    public bool IsProvenByTable { get; init; }

    /// <summary>What calls are about that follow its path; null: the path itself.</summary>
    public string? Subject { get; init; }

    /// <summary>What the listening socket was bound to, as it was written; null where that is not known.</summary>
    public string? BoundName { get; init; }

    /// <summary>Where its entry was found, by a path without symbolic links, as its process sees it; null where that is not known.</summary>
    public string? EntryPlace { get; init; }

    /// <summary>
    /// Finds the process that was started to wait here for its first client, whose guest starts then; null where nobody has to
    /// be told. Asked once, before the first connection.
    /// </summary>
    public Func<WaitingProcess?>? FindWaiting { get; set; }

    /// <summary>
    /// Completes when the connections that were made are closed; to whoever looks at the monitor before, they would be somebody else's.
    /// </summary>
    public Task Closed
    {
        get
        {
            lock (_own)
                return Task.WhenAll(_sockets.Select(static socket => socket.Closed));
        }
    }

    /// <summary>What must be over before it is connected to: an earlier connection of ours.</summary>
    public Task Predecessor { get; set; } = Task.CompletedTask;

    /// <summary>Who is connected, or waits to be; empty where nobody is, null where that cannot be told.</summary>
    /// <exception cref="LibvirtException">Another socket lies there now.</exception>
    public IReadOnlyList<uint>? ReadClients()
    {
        using LookTrouble trouble = new();
        List<uint>? clients = ReadClientsAgain();

        // One of ours that is being closed holds up nobody.
        lock (_own)
            clients?.RemoveAll(_own.Contains);
        return trouble.Failure is { } failure ? throw QmpErrors.CannotLook(failure) : clients;
    }

    private List<uint>? ReadClientsAgain()
    {
        List<uint>? clients = ReadClients(View(out bool isNew));
        if (isNew || clients is not { Count: > 0 })
            return clients;

        // Who was there a moment ago may have left since: ourselves, for one, by a connection that was being closed.
        return ReadClients(_seen = new HostView());
    }

    /// <summary>
    /// Whether all that its owner accepted can be seen: another user's descriptors cannot, so that a client in another network
    /// namespace stays hidden.
    /// </summary>
    public bool SeesAllClients => Owner is not { } owner || View(out _).SocketsOf(owner.Pid) is not null;

    /// <summary>The same where no owner is known yet: who listens is taken for it.</summary>
    public bool SeesAllClientsOf(UnixSocketPeer peer) => (peer.Pid > 0 && ProcessSockets.AreShown(peer.Pid)) || View(out _).SeesAllPlaces;

    /// <summary>Whether the monitor serves somebody else than this connection, which it let into its queue.</summary>
    /// <remarks>A monitor accepts one client at a time: who was accepted is the one who is served.</remarks>
    /// <exception cref="LibvirtException">Nobody could look.</exception>
    public bool ServesOther(SafeHandle socket)
    {
        using LookTrouble trouble = new();
        bool servesOther = OwnInode(socket) is { } own && UnixSocketDiag.PeerOf(own) is null or 0 && FindServed(HostView.After(_connectedAt)).Length > 0;
        return trouble.Failure is { } failure ? throw QmpErrors.CannotLook(failure) : servesOther;
    }

    /// <summary>
    /// Who is served there, other than this monitor's own connections; empty where nobody is, or that cannot be told. For when time is
    /// up: on a busy machine that says nothing yet about the monitor. Who waits in the queue is not served.
    /// </summary>
    public IReadOnlyList<uint> FindServed() => FindServed(new HostView());

    private uint[] FindServed(HostView view)
    {
        uint[] served = [.. view.ServedAt(key.File)];

        // After the look: one that is seen was noted by then.
        lock (_own)
            return [.. served.Except(_own)];
    }

    /// <summary>Connects; never waits.</summary>
    /// <exception cref="LibvirtException">It is not there any more, or does not accept.</exception>
    public SafeHandle Connect()
    {
        using LookTrouble trouble = new();
        using SocketEntry entry = Open(trouble);
        _seen = null;
        if (!key.IsAt(entry))
            throw trouble.Failure is { } failure ? QmpErrors.CannotLook(failure) : QmpErrors.Replaced(name);
        UnixSocketHandle socket = UnixSocketClient.Create();
        uint? noted = null;
        try
        {
            int errno = socket.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
            if (errno == 0)
            {
                // One that is not known to be our own would be taken for another's: so it is noted before it is connected, which may take
                // its time, and nobody waits for that.
                noted = OwnInode(socket) ?? throw QmpErrors.CannotLook(trouble.Failure ?? new LookFailure(NoInode, name));
                NoteOwn(noted.Value);
                using HostLook.Subject about = HostLook.About(Subject);
                errno = HostCalls.Connect(socket, entry, name);
                _connectedAt = TimeProvider.System.GetTimestamp();
            }

            if (errno != 0)
                throw CannotConnect(errno);
            lock (_own)
            {
                _sockets.RemoveAll(static earlier => earlier.Closed.IsCompleted);
                _sockets.Add(socket);
            }

            return socket;
        }
        catch
        {
            // First: who sees it before it is closed sees one of ours.
            socket.Dispose();
            if (noted is { } inode)
            {
                lock (_own)
                    _own.Remove(inode);
            }

            throw;
        }
    }

    private void NoteOwn(uint inode)
    {
        lock (_own)
        {
            _own.Add(inode);
            if (_own.Count > MostOwn)
                _own.RemoveAt(0);
        }
    }

    // A full queue of waiting clients though nobody is served: QEMU does not run.
    private LibvirtException CannotConnect(int errno) =>
        errno == HostLook.LeftOut ? QmpErrors.CannotLook(new LookFailure(errno, name))
        : !ProcessTable.ShowsSelf ? QmpErrors.NoOwnProc(name)
        : errno == Eagain ? QmpErrors.NotAccepting(name)
        : QmpErrors.CannotConnect(name, errno);

    // An entry that nobody could look at is not known to be gone.
    private SocketEntry Open(LookTrouble trouble)
    {
        try
        {
            return open(View(out _));
        }
        catch (LibvirtException) when (trouble.Unanswered is not null)
        {
            throw QmpErrors.CannotLook(trouble.Unanswered);
        }
    }

    /// <summary>Sees that the peer is the owner, before anything is sent to it.</summary>
    /// <returns>Whether the proof is whole; else the accepted socket has to be seen in the owner's table too.</returns>
    /// <exception cref="LibvirtException">It is somebody else.</exception>
    public bool CheckPeer(UnixSocketPeer peer)
    {
        // The credentials are those of listen(), before QEMU gave up root (-runas).
        const uint root = 0;
        if (OwnerUid is { } uid && peer.Uid != uid && peer.Uid != root)
            throw QmpErrors.WrongPeer(name, Owner?.Pid, peer);
        if (Owner is not { } owner)
        {
            if (_peerPid is { } before && before != peer.Pid)
                throw QmpErrors.Replaced(name);
            _peerPid = peer.Pid;
            return true;
        }

        if (owner.HasExited)
            throw QmpErrors.Replaced(name);

        // What was passed to it may have been passed to others too, which accept as well: the credentials are those of the last
        // that called listen().
        if (peer.Pid == owner.Pid && peer.IsAlive == true)
            return owner.Binds(BoundName);
        using LookTrouble trouble = new();
        bool? isInTable = key.Listener == 0 ? null : owner.HasSocket(key.Listener);
        if (peer.Pid == owner.Pid && (peer.IsAlive ?? isInTable ?? true))
            return owner.Binds(BoundName);

        // The descriptor was passed to it, by a manager or by systemd: then it is in its own table.
        return isInTable == true ? false : throw WrongPeer(owner, peer, trouble);
    }

    /// <summary>Sees that it was the owner that accepted a connection.</summary>
    /// <exception cref="LibvirtException">It was somebody else who has the same listening socket.</exception>
    public void CheckAccepted(SafeHandle socket, UnixSocketPeer peer)
    {
        using LookTrouble trouble = new();
        if (Owner is not { } owner || IsAcceptedBy(owner, socket) is not { } isAccepted)
        {
            // Of whom this user may not see what it has open, the credentials are all there is.
            if (Owner is { } hidden && (hidden.Pid != peer.Pid || trouble.Failure is not null))
                throw WrongPeer(hidden, peer, trouble);
        }
        else if (!isAccepted)
        {
            throw QmpErrors.OtherAccepted(name, owner.Pid);
        }
    }

    private LibvirtException WrongPeer(IMonitorOwner owner, UnixSocketPeer peer, LookTrouble trouble) =>
        trouble.Failure is { } failure ? QmpErrors.CannotLook(failure) : QmpErrors.WrongPeer(name, owner.Pid, peer);

    /// <summary>Whether the other end of a connection is in a process's own table; null where that cannot be told.</summary>
    public static bool? IsAcceptedBy(IMonitorOwner owner, SafeHandle socket) =>
        OwnInode(socket) is { } own && UnixSocketDiag.PeerOf(own) is { } peer and not 0
            ? owner.HasSocket(peer)
            : null;

    private List<uint>? ReadClients(HostView view)
    {
        if (place is null || view.Sockets(place) is not { } table)
            return null;
        if (key.Listener != 0 && table.Listener(key.File) is { } listener && listener.Inode != key.Listener)
            throw QmpErrors.Replaced(name);
        return view.ClientsOf(key.File, place, Owner is { } owner ? view.SocketsOf(owner.Pid) : null);
    }

    private HostView View(out bool isNew)
    {
        isNew = _seen is null;
        return _seen = _seen?.Fresh(out isNew) ?? new HostView();
    }

    private static uint? OwnInode(SafeHandle socket) => LinuxFiles.StatOwn(socket) is { Inode: <= uint.MaxValue and var inode } ? (uint)inode : null;
}
