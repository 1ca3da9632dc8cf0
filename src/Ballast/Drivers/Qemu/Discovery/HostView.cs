using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host at one moment: what several QEMUs have in common is read once. Safe for use by many threads.</summary>
internal sealed class HostView
{
    private static readonly Lock Sharing = new();
    private static readonly WeakReference<HostView?> Last = new(null);

    private readonly Lock _gate = new();
    private readonly Dictionary<NetNamespace, UnixSocketTable?> _tables = [];
    private readonly Dictionary<string, MountTable> _mounts = [];
    private readonly Dictionary<int, MountTable> _mountsOf = [];
    private readonly Dictionary<int, ProcessSockets?> _sockets = [];
    private readonly long _since = TimeProvider.System.GetTimestamp();
    // Not held: who looks once more than all others would keep what none of them needs.
    private WeakReference<HostView>? _next;
    private List<NetNamespace>? _others;
    private bool _seesAllPlaces;

    // Readings of tables that are under way, and how long they took, in ticks.
    private int _readings;
    private long _spent;
    private MountTable? _ownMounts;
    private string? _ownRoot;

    /// <summary>
    /// Whether it is as good as a new one: whoever connects looks at who is served once more where the greeting does not come.
    /// </summary>
    /// <remarks>
    /// Where there are so many sockets that a look takes longer than that, it is good for twice as long as it took: else each of
    /// those who connect side by side would look for itself.
    /// </remarks>
    public bool IsFresh =>
        Volatile.Read(ref _readings) > 0
        || TimeProvider.System.GetElapsedTime(_since) < TimeSpan.FromMilliseconds(20) + (2 * TimeSpan.FromTicks(Volatile.Read(ref _spent)));

    /// <summary>A view that was begun after a time: one for all who want to know at once what became of what they did until then.</summary>
    /// <param name="time">A timestamp of the system's clock.</param>
    public static HostView After(long time)
    {
        lock (Sharing)
        {
            if (Last.TryGetTarget(out HostView? last) && last._since > time && last.IsFresh)
                return last;
            HostView view = new();
            Last.SetTarget(view);
            return view;
        }
    }

    /// <summary>This view while it is fresh; then a newer one, the same for all who had this.</summary>
    /// <param name="isNew">Whether it was made now.</param>
    public HostView Fresh(out bool isNew)
    {
        isNew = false;
        if (IsFresh)
            return this;
        lock (_gate)
        {
            if (_next is { } made && made.TryGetTarget(out HostView? next) && next.IsFresh)
                return next;
            isNew = true;
            _next = new WeakReference<HostView>(next = new HostView());
            return next;
        }
    }

    /// <summary>This process's mounts.</summary>
    public MountTable OwnMounts
    {
        get
        {
            lock (_gate)
                return _ownMounts ?? Read(MountTable.ReadOwn, mounts => _ownMounts = mounts);
        }
    }

    /// <summary>The unix sockets of a network namespace; null where they are not told.</summary>
    public UnixSocketTable? Sockets(NetNamespace place)
    {
        lock (_gate)
        {
            return _tables.TryGetValue(place, out UnixSocketTable? known)
                ? known
                : Read(() => Timed(() => UnixSocketTable.Read(place) ?? ReadThroughAnother(place)), table => _tables[place] = table);
        }
    }

    // The process through which the namespace was found may be gone, and others live there.
    private UnixSocketTable? ReadThroughAnother(NetNamespace place) =>
        !place.IsOwn && Others().Find(other => other.Equals(place) && other.Path != place.Path) is { } live ? UnixSocketTable.Read(live) : null;

    private T Timed<T>(Func<T> read)
    {
        // Who waits for another's reading, or reads within it, takes no more time.
        long begin = TimeProvider.System.GetTimestamp();
        bool isOuter = Interlocked.Increment(ref _readings) == 1;
        try
        {
            return read();
        }
        finally
        {
            if (isOuter)
                Interlocked.Add(ref _spent, TimeProvider.System.GetElapsedTime(begin).Ticks);
            Interlocked.Decrement(ref _readings);
        }
    }

    /// <summary>The mounts that a process sees. Processes in one namespace and one root see the same.</summary>
    public MountTable MountsOf(int pid)
    {
        lock (_gate)
            return _mountsOf.TryGetValue(pid, out MountTable? known) ? known : Read(() => ReadMounts(pid), mounts => _mountsOf[pid] = mounts);
    }

    private MountTable ReadMounts(int pid)
    {
        string process = pid.ToString(CultureInfo.InvariantCulture);
        string root = Root(process);

        // Where this user may not know, it is taken for ours: what is found there still has to be proven.
        if (root == (_ownRoot ?? Read(static () => Root("self"), own => _ownRoot = own)) || root == " ")
            return OwnMounts;
        return _mounts.TryGetValue(root, out MountTable? known)
            ? known
            : Read(() => MountTable.Read(process, OwnMounts), mounts => _mounts[root] = mounts);
    }

    /// <summary>The sockets that a process has open; null where this user may not know.</summary>
    public ProcessSockets? SocketsOf(int pid)
    {
        lock (_gate)
        {
            return _sockets.TryGetValue(pid, out ProcessSockets? known)
                ? known
                : Read(() => ProcessSockets.Read(pid), sockets => _sockets[pid] = sockets);
        }
    }

    /// <summary>The listening socket at an entry, and where: in this network namespace, or in that of another process.</summary>
    public (NetNamespace Place, UnixSocketEntry Listener)? FindListener(SocketFile file)
    {
        if (Sockets(NetNamespace.Own)?.Listener(file) is { } own)
            return (NetNamespace.Own, own);
        foreach (NetNamespace place in Others())
        {
            if (Sockets(place)?.Listener(file) is { } listener)
                return (place, listener);
        }

        return null;
    }

    /// <summary>
    /// The clients of the socket at an entry, also those that wait to be accepted. An accepted connection is in the table of
    /// its client's network namespace: the owner's descriptors tell whether all that it accepted was found.
    /// </summary>
    /// <param name="file">The entry.</param>
    /// <param name="place">Where its listening socket is.</param>
    /// <param name="owner">The sockets of the process that listens; null where they are not known.</param>
    /// <returns>Null where the kernel does not tell.</returns>
    public List<uint>? ClientsOf(SocketFile file, NetNamespace place, ProcessSockets? owner)
    {
        List<UnixSocketTable> tables = [];
        foreach (NetNamespace one in (NetNamespace[])(place.Equals(NetNamespace.Own) ? [place] : [NetNamespace.Own, place]))
        {
            if (Sockets(one) is { } table)
                tables.Add(table);
        }

        return Timed(() =>
        {
            if (owner is not null && HasOther(owner, tables))
                tables.AddRange(Others().Where(other => !other.Equals(place)).Select(Sockets).OfType<UnixSocketTable>());
            List<uint> clients = [];
            foreach (UnixSocketTable table in tables)
            {
                if (table.ClientsOf(file) is not { } found)
                    return null;
                clients.AddRange(found);
            }

            return clients;
        });
    }

    /// <summary>The clients that were accepted at an entry, in any network namespace, and are still there.</summary>
    public IEnumerable<uint> ServedAt(SocketFile file) =>
        Others().Prepend(NetNamespace.Own).SelectMany(place => Sockets(place)?.ServedAt(file) ?? []);

    /// <summary>Whether the network namespace of each process could be seen, so that a client in any of them would be.</summary>
    public bool SeesAllPlaces
    {
        get
        {
            lock (_gate)
            {
                _ = Others();
                return _seesAllPlaces;
            }
        }
    }

    /// <summary>Whether somebody may listen in a place that cannot be seen: in another network namespace, whose socket table is not shown.</summary>
    public bool MayListenUnseen => ProcessTable.HidesOthers || !SeesAllPlaces || Others().Prepend(NetNamespace.Own).Any(place => Sockets(place) is null);

    // Whether it has sockets that are in none of the tables.
    private static bool HasOther(ProcessSockets owner, List<UnixSocketTable> tables) =>
        owner.Inodes.Any(inode => !tables.Exists(table => table.Has(inode)));

    private List<NetNamespace> Others()
    {
        lock (_gate)
            return _others ?? Read(ReadOthers, others => _others = others);

        List<NetNamespace> ReadOthers()
        {
            using LookTrouble trouble = new();
            List<NetNamespace> others = [.. ProcessTable.Pids().Select(NetNamespace.Of).OfType<NetNamespace>().Where(place => !place.IsOwn).Distinct()];
            _seesAllPlaces = !trouble.IsDenied && trouble.Failure is null;
            return others;
        }
    }

    // What could not be looked at is not kept: whoever asks next looks again, and is told.
    private static T Read<T>(Func<T> read, Action<T> keep)
    {
        using LookTrouble trouble = new();
        T found = read();
        if (trouble.IsAnswered)
            keep(found);
        return found;
    }

    private static string Root(string process) =>
        $"{LinuxFiles.ReadLink($"/proc/{process}/ns/mnt")} {LinuxFiles.ReadLink($"/proc/{process}/root")}";
}
