using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>The QEMU processes of this host that were seen, each once; those that ended are forgotten.</summary>
/// <param name="noteFault">Told of a process at which a look failed as nobody foresaw, once for each reason.</param>
internal sealed class QemuProcesses(Action<int, Exception> noteFault) : IDisposable
{
    // Why a look at a process failed, as it was told.
    private readonly Dictionary<int, string> _faults = [];

    private readonly Dictionary<int, QemuProcess> _known = [];
    private bool _isClosed;

    // Of those that were there at the last look.
    private HashSet<int> _parents = [];

    // The processes of the last view that were not looked at yet, the youngest on top.
    private Stack<int> _unseen = [];

    // Those of them whose program is no QEMU's, and loads none: who has no more than the name is looked at when no other is left.
    private readonly Queue<int> _ordinary = [];

    private readonly OtherPrograms _others = new();

    // QEMUs of other users in the last view: nothing of their memory is read unless they have a socket that somebody asks for.
    private readonly List<int> _foreign = [];

    // Not held: it is large, and nobody looks the same way twice.
    private readonly WeakReference<HostView?> _lastView = new(null);

    /// <summary>All that are there; looked for once in each view of the host. Of those that are not believed, no more than a few are kept.</summary>
    /// <param name="view">The host.</param>
    /// <param name="trusts">Whether a user is trusted: of another's process nothing is read that needs its memory.</param>
    /// <param name="refuse">Why a process of a user is not believed, or null; asked before the process is.</param>
    public IReadOnlyCollection<QemuProcess> Look(HostView view, Func<uint, bool> trusts, Func<int, uint, string?> refuse)
    {
        Begin(view);
        while (_ordinary.TryDequeue(out int ordinary))
            _unseen.Push(ordinary);
        if (_unseen.Count == 0)
            return _known.Values;
        StrangerCrowd crowd = new(_known.Values);
        while (_unseen.Count > 0)
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(QemuProcess));
            int pid = _unseen.Pop();
            if (!_known.ContainsKey(pid) && !_others.Contains(pid, out uint? owner) && (owner ?? ProcessTable.OwnerOf(pid)) is { } uid && FindApart(pid, uid) is { } process)
                _known[pid] = process;
        }

        Crowd = crowd;
        _parents = [.. _known.Values.Select(static process => process.ParentPid)];
        return _known.Values;

        // By itself: most are known to be none, and cost no closure.
        QemuProcess? FindApart(int pid, uint uid) => Apart(pid, () => Find(pid, uid), Unseen);

        QemuProcess? Find(int pid, uint uid)
        {
            bool isTrusted = trusts(uid), mustBeLoaded = false, isSeen = true;
            if (isTrusted && _others.RunsQemu(pid))
                return FindRunning(pid);
            using LookTrouble trouble = new();
            bool mayBe = isTrusted ? MayBeQemu(pid, out mustBeLoaded, out isSeen) : QemuProcess.IsCalledQemu(pid);
            if (mayBe && isTrusted && refuse(pid, uid) is null)
                return QemuProcess.Find(pid);

            // What only its memory could tell is not looked for in a stranger's.
            if (!mayBe || mustBeLoaded)
            {
                _others.Add(pid, isSeen && trouble.IsAnswered);
                return null;
            }

            // A QEMU's children are not shown, and take no place of those that are.
            if (!crowd.HasRoom(uid) || QemuProcess.FindStranger(pid, uid, mayRead: isTrusted) is not { IsHelper: false } stranger)
                return null;
            crowd.Enter(uid);
            return stranger;
        }
    }

    /// <summary>The sockets at which they were seen to listen.</summary>
    public KnownListeners Listeners { get; } = new();

    /// <summary>The socket at an entry, if it is known, and whose; null where the tables have to be read.</summary>
    public KnownListener? ListenerAt(SocketFile file, HostView view)
    {
        Begin(view);
        return Listeners.Find(file, view);
    }

    /// <summary>Those that are not believed, as the last look found them.</summary>
    public StrangerCrowd Crowd { get; private set; } = new([]);

    /// <summary>
    /// The QEMUs that have a socket in their own descriptor tables: one, or those too that inherited it; what a QEMU made for itself comes last.
    /// No more processes are looked at than are asked for: a QEMU is among the youngest, the host's services are not.
    /// </summary>
    public IEnumerable<QemuProcess> OwnersOf(uint socket, HostView view)
    {
        Begin(view);
        List<QemuProcess> helpers = [];
        foreach (QemuProcess known in _known.Values.ToArray())
        {
            if (Has(known))
                yield return known;
        }

        for (int at = 0; at < _foreign.Count || HasUnseen; at++)
        {
            while (at == _foreign.Count && HasUnseen)
            {
                if (FindNext() is { } next && Has(next))
                    yield return next;
            }

            // It has the socket: so it is a QEMU that somebody may ask for.
            if (at < _foreign.Count && !_known.ContainsKey(_foreign[at]) && view.SocketsOf(_foreign[at])?.Contains(socket) == true && Find(_foreign[at]) is { } owner && Has(owner))
                yield return owner;
        }

        // A QEMU's child has its sockets until it runs its own program; where nobody else has one, the child is who accepts.
        foreach (QemuProcess helper in helpers)
            yield return helper;

        bool Has(QemuProcess process)
        {
            if (process.SocketsIn(view)?.Contains(socket) != true)
                return false;
            if (process.IsHelper)
                helpers.Add(process);
            return !process.IsHelper;
        }
    }

    /// <summary>What it names is read once more, where that is left out and answers by now.</summary>
    public void ReadStuckFiles(QemuProcess process) => Apart(
        process.Pid,
        () =>
        {
            process.ReadStuckFiles();
            return true;
        },
        static _ => false);

    /// <summary>Whether a process only waits for a QEMU that it made, and that is known.</summary>
    public bool IsWrapper(QemuProcess process, HostView view) =>
        _parents.Contains(process.Pid) && _known.Values.Any(child => process.IsWrapperOf(child, view));

    /// <summary>The QEMU with an id; null where there is none.</summary>
    public QemuProcess? Find(int pid)
    {
        if (_known.TryGetValue(pid, out QemuProcess? known))
        {
            if (known.IsSame)
                return known;
            Forget(known);
        }

        ObjectDisposedException.ThrowIf(_isClosed, typeof(QemuProcess));
        if (Apart(pid, Open, Unseen) is not { } process)
            return null;
        return _known[pid] = process;

        QemuProcess? Open() => ProcessTable.OwnerOf(pid) is { } uid && !ProcessTable.IsOwn(uid) && !QemuProcess.IsCalledQemu(pid) ? null : QemuProcess.Find(pid);
    }

    /// <summary>
    /// Looks at one process. What it says and names is anybody's text: if that makes a look fail in a way that nobody foresaw, the look
    /// at the others goes on.
    /// </summary>
    /// <param name="pid">The process.</param>
    /// <param name="look">The look at it.</param>
    /// <param name="otherwise">What is seen of it where that failed.</param>
    public T Apart<T>(int pid, Func<T> look, Func<LookFailure, T> otherwise)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is not (LookStuckException or ObjectDisposedException or OutOfMemoryException))
        {
            string reason = $"{e.GetType().Name}: {e.Message}";
            if (_faults.GetValueOrDefault(pid) != reason)
                noteFault(pid, e);
            _faults[pid] = reason;
            return otherwise(LookFailure.OfProcess(pid, reason));
        }
    }

    /// <summary>
    /// Keeps only those that are of use: of other QEMUs of the host nothing stays open. What a QEMU made for itself stays known, since
    /// it would be found again by each look.
    /// </summary>
    public void Keep(IReadOnlySet<QemuProcess> used)
    {
        foreach (QemuProcess process in _known.Values.Where(process => !used.Contains(process) && !process.IsHelper).ToArray())
            Forget(process);
    }

    /// <summary>None is opened any more: nobody would close it.</summary>
    public void Dispose()
    {
        _isClosed = true;
        foreach (QemuProcess process in _known.Values)
            process.Dispose();
        _known.Clear();
    }

    private bool HasUnseen => _unseen.Count > 0 || _ordinary.Count > 0;

    private void Begin(HostView view)
    {
        if (_lastView.TryGetTarget(out HostView? last) && last == view)
            return;
        _lastView.SetTarget(view);
        foreach (QemuProcess known in _known.Values.Where(known => !known.IsSame).ToArray())
            Forget(known);
        foreach (QemuProcess known in _known.Values)
            ReadStuckFiles(known);
        Listeners.Keep(owner => _known.GetValueOrDefault(owner.Pid) == owner);
        _foreign.Clear();
        IReadOnlyList<int> pids = ProcessTable.Pids();

        // There is always one: that nobody could look is no news of the others.
        if (pids.Count > 0)
            KeepPresent(pids);
        _unseen = new Stack<int>(pids);
        _ordinary.Clear();
    }

    private void KeepPresent(IReadOnlyList<int> present)
    {
        _others.Keep(present);
        if (_faults.Count == 0)
            return;
        foreach (int gone in _faults.Keys.Except(present).ToArray())
            _faults.Remove(gone);
    }

    // It may be a QEMU: whoever does not find one is told.
    private static QemuProcess? Unseen(LookFailure failure)
    {
        LookTrouble.LeaveUnseen(failure);
        return null;
    }

    private QemuProcess? FindNext()
    {
        ObjectDisposedException.ThrowIf(_isClosed, typeof(QemuProcess));
        bool isFirst = _unseen.TryPop(out int pid);
        if (!isFirst)
            pid = _ordinary.Dequeue();
        if (_known.ContainsKey(pid) || _others.Contains(pid, out uint? owner))
            return null;
        if (isFirst && _others.IsOrdinary(pid))
        {
            _ordinary.Enqueue(pid);
            return null;
        }

        return FindOwnApart(pid, owner);
    }

    private QemuProcess? FindOwnApart(int pid, uint? owner) => Apart(pid, () => FindOwn(pid, owner), Unseen);

    private QemuProcess? FindOwn(int pid, uint? owner)
    {
        if ((owner ?? ProcessTable.OwnerOf(pid)) is not { } uid)
            return null;
        using LookTrouble trouble = new();
        if (!ProcessTable.IsOwn(uid))
        {
            if (QemuProcess.IsCalledQemu(pid))
                _foreign.Add(pid);
            else
                _others.Add(pid, trouble.IsAnswered);
            return null;
        }

        if (_others.RunsQemu(pid))
        {
            if (FindRunning(pid) is { } process)
                return _known[pid] = process;
        }
        else if (MayBeQemu(pid, out _, out bool isSeen))
        {
            if (QemuProcess.Find(pid) is { } process)
                return _known[pid] = process;
        }
        else
        {
            _others.Add(pid, isSeen && trouble.IsAnswered);
        }

        return null;
    }

    // What the kernel says runs a QEMU's program: most are QEMUs, so that the command line is read at once, and in full.
    private static QemuProcess? FindRunning(int pid)
    {
        if (QemuProcess.Find(pid) is not { } process)
            return null;
        if (process.CommandLine.IsQemu || QemuProcess.MayBeQemu(pid, out _))
            return process;
        process.Dispose();
        return null;
    }

    // Of whom nobody could look at the memory, which could tell no more than its name: no QEMU is missed.
    private bool MayBeQemu(int pid, out bool mustBeLoaded, out bool isSeen)
    {
        using LookTrouble trouble = new() { IsOfStranger = _others.IsOrdinary(pid) };
        bool mayBe = QemuProcess.MayBeQemu(pid, out mustBeLoaded);
        isSeen = trouble.IsAnswered;
        return mayBe;
    }

    // What ended is closed: a call that is reading one of its files ends first, and later ones find that it is gone. One that
    // lives may be in use by a call; it is left to the finalizers of its handles, unless it never was anybody's.
    private void Forget(QemuProcess process)
    {
        _known.Remove(process.Pid);
        if (process.HasExited)
            process.Forget();
        else if (!process.IsInUse)
            process.Dispose();
    }
}
