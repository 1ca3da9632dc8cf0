using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// One QEMU: its process, or, where that is not visible from here, the peer of one socket. It has one name, one UUID and
/// one monitor that is used, whichever of its monitors is free.
/// </summary>
internal sealed class QemuInstance(TimeProvider time, ConnectionLog log)
{
    private static long _last;

    private readonly Lock _gate = new();
    private readonly Dictionary<MonitorKey, (QmpMonitor Monitor, bool IsNamed)> _acquired = [];
    private readonly HashSet<MonitorKey> _others = [];
    private IReadOnlyList<MonitorCandidate> _candidates = [];
    private QmpMonitor? _current;
    private QmpHello? _hello;
    private QemuDomain? _domain;
    private bool _isDomainStale;
    private bool _isDisposed;
    private (ErrorCode, int)? _leftOutFor;
    private string? _listedName;
    private Guid? _listedUuid;
    private long _losses;
    private volatile bool _hasNewWord;
    private QemuCommandLine? _namedBy;

    /// <summary>Tells it from every other, also from one that comes later and bears all the same names and numbers.</summary>
    public long Number { get; } = Interlocked.Increment(ref _last);

    /// <summary>The process; null where only the peer of a socket is known.</summary>
    public QemuProcess? Process { get; private set; }

    /// <summary>Why nothing that the process says is believed; null where it is.</summary>
    public string? Distrust { get; private set; }

    /// <summary>The user of the process, or of the socket's peer.</summary>
    public uint Uid { get; private set; }

    /// <summary>Who it is; set when that was decided.</summary>
    public DomainIdentity Identity { get; private set; } = new("", Guid.Empty, null);

    /// <summary>Whether a caller was told of it.</summary>
    public bool IsListed { get; private set; }

    /// <summary>The UUIDs under which callers were told of it, before it was known what its own is: their handles lead to it.</summary>
    /// <remarks>Never changed, but put in place of the one before: whoever goes through them holds no lock.</remarks>
    public IReadOnlyList<Guid> FormerUuids { get; private set; } = [];

    /// <summary>
    /// A caller is told of it. It keeps its name and UUID from now on, unless they are a guess, or a substitute for what it could not say
    /// yet: those yield to the truth. What it said since it was named is not in its name yet.
    /// </summary>
    public void NoteListed()
    {
        lock (_gate)
        {
            IsListed = true;
            if (HasNewWord)
                return;
            if (!IsNameGuessed && (SaidOrTold is not null || _hello is not null))
                _listedName ??= Identity.Name;
            if (_hello is not null || (Distrust is null && Process?.CommandLine.Uuid is not null))
                _listedUuid ??= Identity.Uuid;
        }
    }

    /// <summary>Whether it said who it is since it was named last: its monitor may greet at any time, when nobody waits for it any more.</summary>
    public bool HasNewWord => _hasNewWord || (Process is { } process && _namedBy is { } before && process.CommandLine != before);

    /// <summary>Whether its name is a guess, so that nothing may be done to it by its name alone.</summary>
    public bool IsNameGuessed => _listedName is null && SaidOrTold is { IsGuess: true };

    /// <summary>Whether it is only a socket that lies beside monitors, and may be anything.</summary>
    public bool MayBeNoMonitor { get; private set; }

    /// <summary>The number of the last search for the process behind its sockets.</summary>
    public long LastOwnerSearch { get; set; }

    /// <summary>Whether that search could not look at all, so that another has to follow.</summary>
    public bool MustFindOwner { get; set; }

    /// <summary>Whether its last attempt to connect met silence.</summary>
    public bool WasSilent { get; private set; }

    /// <summary>Somebody waited for its greeting in vain; the attempt may go on.</summary>
    public void NoteSilence() => WasSilent = !IsConnected;

    /// <summary>Whether it was told why it is missing in lists.</summary>
    public bool IsLeftOut => _leftOutFor is not null;

    /// <summary>Whether it is missing in lists for another reason than the one that was told last, which it is from now on.</summary>
    public bool IsLeftOutAnew(LibvirtException reason)
    {
        (ErrorCode, int) kind = (reason.Code, reason.Int1);
        if (_leftOutFor == kind)
            return false;
        _leftOutFor = kind;
        return true;
    }

    /// <summary>
    /// Whether another QEMU answers where only the peer of a socket is known: it says so, or nobody can tell, since the one before has
    /// ended its connection, as at the end of a QEMU behind a relay.
    /// </summary>
    public bool IsReplaced { get; private set; }

    /// <summary>What its guest was heard to report.</summary>
    public ReportHistory Reports { get; } = new(time);

    /// <summary>Whether its balloon device has the guest tell which pages are free; null: nobody asked yet.</summary>
    public bool? ReportsFreePages { get; set; }

    public bool HasExited => Process is { HasExited: true };

    /// <summary>Whether its monitor can be asked at once.</summary>
    public bool IsConnected => Volatile.Read(ref _current) is { IsConnected: true } monitor && !IsReplaced && !MayBeAnother(monitor);

    /// <summary>Whether its monitor let a question pass for so long, or did not greet the last who came.</summary>
    public bool IsSilent(TimeSpan timeout) => Volatile.Read(ref _current) is { IsConnected: true } monitor ? monitor.IsSilent(timeout) : WasSilent;

    /// <summary>Whether anybody was ever reached, or it is known as a process.</summary>
    public bool IsKnown => Process is not null || _hello is not null;

    /// <summary>Whether its name and UUID are known without asking its monitor.</summary>
    public bool IsIdentified =>
        (_hello is not null && !(Volatile.Read(ref _current) is { } lost && MayBeAnother(lost))) || Distrust is not null || (Process is { CommandLine: { NameWord: { Certainty: Certainty.Said }, Uuid: not null } }) || !_candidates.Any(candidate => candidate.Endpoint is not null);

    public DomainClaim Claim()
    {
        lock (_gate)
        {
            (_hasNewWord, _namedBy) = (false, Process?.CommandLine);
            QemuCommandLine? said = Distrust is null ? Process?.CommandLine : null;

            // Whoever listens where no process could be shown may be a relay: its id is no QEMU's.
            int pid = Process?.Pid ?? 0;
            Word<Guid>? told = Guid.TryParse(_hello?.Uuid, out Guid uuid) && uuid != Guid.Empty ? new(uuid, Certainty.Told) : null;
            return new DomainClaim(
                pid, SaidOrTold, said?.Uuid is { } own ? new(own, Certainty.Said) : told,
                Process?.DeriveUuid() ?? DerivedUuid.From($"{_current?.Peer.Pid ?? 0}/{_current?.Endpoint.Key}"),
                Uid == 0, Process?.StartTicks ?? ulong.MaxValue)
            {
                ListedName = _listedName,
                ListedUuid = _listedUuid,
            };
        }
    }

    /// <summary>Whether its name may stand in a file that nobody can read now.</summary>
    public bool MayBeNamedByStuckFile => Process is { HasStuckFile: true } && SaidOrTold is null or { IsGuess: true };

    // Its name, by whoever knows it best.
    private Word<string>? SaidOrTold => Word<string>.Surer(
        Distrust is null ? Process?.CommandLine.NameWord : null,
        string.IsNullOrEmpty(_hello?.Name) ? null : new(_hello.Name, Certainty.Told));

    /// <summary>What its monitor says otherwise than its command line, which counts; null where they agree.</summary>
    public string? Disagreement()
    {
        if (_hello is not { } hello || Distrust is not null)
            return null;
        if (Process?.CommandLine is not { } said)
        {
            return !string.IsNullOrEmpty(hello.Name) && hello.Name != Identity.Name
                ? $"its monitor names it '{DisplayText.Escape(hello.Name)}', and so does another one's; nobody can see from here whose the name is"
                : null;
        }

        if (said.NameWord is { Certainty: Certainty.Said, Value: var name } && !string.IsNullOrEmpty(hello.Name) && hello.Name != name)
            return $"its command line names it '{DisplayText.Escape(name)}', its monitor says '{DisplayText.Escape(hello.Name)}'";
        return said.Uuid is { } uuid && Guid.TryParse(hello.Uuid, out Guid told) && told != uuid
            ? $"its command line gives it the UUID {uuid}, its monitor says {told}"
            : null;
    }

    /// <summary>Decides who it is.</summary>
    public void Name(DomainIdentity identity)
    {
        lock (_gate)
        {
            if (Identity == identity)
                return;
            if (IsListed && Identity.Uuid != identity.Uuid)
                FormerUuids = [.. FormerUuids, Identity.Uuid];
            Identity = identity;
            _isDomainStale = true;
        }
    }

    /// <summary>What was found of it now.</summary>
    public void Update(Sighting sighting)
    {
        lock (_gate)
        {
            Process ??= sighting.Process;
            if (Process is { } process)
                process.IsInUse = true;
            if (sighting.Process is not null)
            {
                if (sighting.Distrust is { } why && why != Distrust)
                    log.ProcessSkipped(sighting.Process.Pid, why);
                (Uid, Distrust) = (sighting.Uid, sighting.Distrust);
            }

            _candidates = sighting.Monitors;
            MayBeNoMonitor = sighting.MayBeNoMonitor;

            // Calls under way end; it is let go when it was idle for as long as others.
            if (_current is { } current && IsForbidden(current))
                _current = null;
            _isDomainStale |= _current is not { IsConnected: true };
        }
    }

    /// <summary>One more of its sockets, of which no look can tell that they are one QEMU's.</summary>
    public void UpdateFurther(Sighting sighting)
    {
        lock (_gate)
        {
            _candidates = [.. _candidates, .. sighting.Monitors.Where(monitor => monitor.Endpoint is { } endpoint && _others.Contains(endpoint.Key))];
        }
    }

    /// <summary>Another one turned out to be the same QEMU: its sockets are looked for no more as if they were somebody else's.</summary>
    public void Absorb(QemuInstance same)
    {
        lock (_gate)
        {
            _candidates = [.. _candidates, .. same._candidates.Where(candidate => candidate.Endpoint is { } other && !Keys.Contains(other.Key))];
            _others.UnionWith(Keys);
        }
    }

    /// <summary>Whether a socket is one of its own, also where the look under way has shown another of them already.</summary>
    public bool Knows(MonitorKey key)
    {
        lock (_gate)
            return _others.Contains(key) || Keys.Contains(key);
    }

    /// <summary>The look is over: a socket that it did not show is another one's, should its number come again.</summary>
    public void EndLook()
    {
        lock (_gate)
            _others.IntersectWith(Keys);
    }

    /// <summary>It was found who is behind the socket.</summary>
    public void Become(QemuProcess process)
    {
        lock (_gate)
        {
            Process = process;
            process.IsInUse = true;
            Uid = process.Uid ?? Uid;
            foreach (MonitorCandidate candidate in _candidates)
            {
                candidate.Endpoint?.AddOwner(process, isProven: true);
            }

            foreach ((QmpMonitor monitor, _) in _acquired.Values)
                monitor.Endpoint.AddOwner(process, isProven: true);
            _isDomainStale = true;
        }
    }

    /// <summary>What callers use: always the same object as long as it is the same QEMU by the same name and monitor.</summary>
    public QemuDomain Domain
    {
        get
        {
            lock (_gate)
            {
                QmpMonitor? monitor = _current ?? (_isDisposed ? null : _candidates.Where(candidate => candidate.Endpoint is not null).Select(Acquire).FirstOrDefault());
                if (!_isDomainStale && _domain is { } domain && domain.MonitorOrNull == monitor)
                    return domain;
                _isDomainStale = false;
                QemuDomain made = monitor is not null
                    ? new QemuDomain(this, monitor)
                    : new QemuDomain(this, _candidates.FirstOrDefault(candidate => candidate.Refusal is not null)?.Refusal ?? (() => QmpErrors.NoMonitor(Identity.Name)));
                made.Remember(_domain);
                return _domain = made;
            }
        }
    }

    /// <summary>The peer of the connection; null where there is none.</summary>
    public UnixSocketPeer? Peer => _current is { Hello: not null, IsConnected: true } current ? current.Peer : null;

    /// <summary>Whether a process can be the one behind a socket, though another one created it.</summary>
    public bool IsServedBy(QemuProcess process, MonitorEndpoint endpoint) =>
        (_current is not { IsConnected: true } current || current.IsServedBy(process) == true)
        && process.Offers(endpoint.BoundName ?? Peer?.BoundName, endpoint.Key.Listener) != false;

    /// <summary>
    /// Whether the process that created the socket uses it too: it may have passed it on, and its id may be another's since.
    /// </summary>
    public bool CanBeServedBy(UnixSocketPeer creator, QemuProcess process)
    {
        if (creator.IsAlive == false || _current is not { } current)
            return false;

        // It lives, listens, and was told to by its own command line: its descriptors could say no more. Of another, that nobody can
        // look into them proves nothing.
        return process.Offers(current.Endpoint.BoundName ?? creator.BoundName, current.Endpoint.Key.Listener) switch
        {
            true => creator.IsAlive == true || current.IsServedBy(process) != false,
            false => false,
            null => current.IsServedBy(process) ?? creator.IsAlive == true,
        };
    }

    /// <summary>Who let us connect and then said nothing; null where nobody did.</summary>
    public UnixSocketPeer? MetPeer
    {
        get
        {
            lock (_gate)
                return WasSilent ? _acquired.Values.Select(acquired => acquired.Monitor.Met).FirstOrDefault(met => met is not null) : null;
        }
    }

    /// <summary>Whether a process that listens at one of its sockets was told to by its own command line, as a QEMU for its monitor.</summary>
    public bool IsBoundBy(QemuProcess process)
    {
        lock (_gate)
            return _acquired.Values.Any(acquired => process.Binds(acquired.Monitor.Endpoint.BoundName));
    }

    /// <summary>Its monitors.</summary>
    public IEnumerable<MonitorEndpoint> Endpoints => _candidates.Select(candidate => candidate.Endpoint).OfType<MonitorEndpoint>();

    /// <summary>The keys of its monitors.</summary>
    public IEnumerable<MonitorKey> Keys => Endpoints.Select(endpoint => endpoint.Key);

    /// <summary>Whether something is its own, by the name of what cannot be looked at: of its process, or on the way to its sockets.</summary>
    public bool Concerns(string path)
    {
        if (Process is { } process && path.StartsWith(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/"), StringComparison.Ordinal))
            return true;
        return _candidates.Any(candidate => candidate.Endpoint?.Name is { } name && name.StartsWith(path, StringComparison.Ordinal)
            && (name.Length == path.Length || path.EndsWith('/') || name[path.Length] == '/'));
    }

    /// <summary>Why none of its monitors is connected to just now, because all misbehaved; null where one may be.</summary>
    public LibvirtException? ReasonToPause
    {
        get
        {
            List<QmpMonitor?> monitors = [];
            lock (_gate)
            {
                foreach (MonitorKey key in Keys)
                    monitors.Add(_acquired.GetValueOrDefault(key).Monitor);
            }

            LibvirtException? first = null;
            foreach (QmpMonitor? monitor in monitors)
            {
                if (monitor?.ReasonToPause is not { } reason)
                    return null;
                first ??= reason;
            }

            return first;
        }
    }

    /// <summary>
    /// Connects to the first of its monitors that lets us: one that is held, refused, absent or silent leaves room for the
    /// next.
    /// </summary>
    /// <returns>Why none does; null where one is connected, or none may be asked.</returns>
    public async Task<LibvirtException?> ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        MonitorCandidate[] usable;
        lock (_gate)
            usable = [.. _candidates.Where(candidate => candidate.Endpoint is not null)];
        long since = time.GetTimestamp();
        LibvirtException? first = null;
        for (int i = 0; i < usable.Length; i++)
        {
            TimeSpan left = timeout - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero && first is not null)
                break;
            QmpMonitor? monitor;
            lock (_gate)
                monitor = _isDisposed ? null : Acquire(usable[i]);
            if (monitor is null)
                return first;
            try
            {
                await monitor.EnsureConnectedAsync(i + 1 < usable.Length ? left / 2 : left, cancellationToken).ConfigureAwait(false);
                if (Process is { } process)
                    RequireServedBy(process, monitor);
                Use(monitor);
                return null;
            }
            catch (LibvirtException e)
            {
                first ??= e;
            }
            catch (ObjectDisposedException)
            {
                return first;
            }
        }

        WasSilent = first is { Code: ErrorCode.OperationTimeout };
        return first;
    }

    // Who was seen to accept counts, and not who called listen() last: several may have one listening socket, and another connection,
    // which shares the monitor, may know one that this one does not.
    private static void RequireServedBy(QemuProcess process, QmpMonitor monitor)
    {
        if ((monitor.Endpoint.Owner?.Pid ?? monitor.Peer.Pid) == process.Pid && monitor.IsServedBy(process) != false)
            return;
        throw monitor.Peer.Pid == process.Pid
            ? QmpErrors.OtherAccepted(monitor.Path, process.Pid)
            : QmpErrors.WrongPeer(monitor.Path, process.Pid, monitor.Peer);
    }

    /// <summary>Who is served by the first of its monitors while none serves us; null where nobody is, or one does.</summary>
    public LibvirtException? FindHolder()
    {
        if (IsConnected)
            return null;
        MonitorEndpoint? first;
        lock (_gate)
        {
            first = _candidates.FirstOrDefault(candidate => candidate.Endpoint is not null)?.Endpoint;
            if (first is not null && _acquired.TryGetValue(first.Key, out (QmpMonitor Monitor, bool IsNamed) acquired))
                first = acquired.Monitor.Endpoint;
        }

        return first is { } endpoint && endpoint.FindServed() is { Count: > 0 } others
            ? QmpErrors.HeldBy(endpoint.Name, SocketHolder.Describe(others))
            : null;
    }

    /// <summary>The QEMU that answers now.</summary>
    public QemuInstance MakeSuccessor()
    {
        QemuInstance successor = new(time, log) { MayBeNoMonitor = MayBeNoMonitor };
        lock (_gate)
        {
            successor._candidates = _candidates;
            foreach (MonitorCandidate candidate in _candidates)
            {
                if (candidate.Endpoint is not null && successor.Acquire(candidate) is { IsConnected: true } monitor)
                    successor.Use(monitor);
            }
        }

        return successor;
    }

    /// <summary>Gives its monitors back.</summary>
    /// <param name="isGone">Whether the QEMU is gone, rather than the connection closed.</param>
    public async ValueTask ReleaseAsync(bool isGone)
    {
        (QmpMonitor Monitor, bool IsNamed)[] acquired;
        lock (_gate)
        {
            _isDisposed = true;
            acquired = [.. _acquired.Values];
            _acquired.Clear();
        }

        foreach ((QmpMonitor monitor, bool isNamed) in acquired)
        {
            if (isGone)
                await HearOutAsync(monitor).ConfigureAwait(false);
            await MonitorRegistry.ReleaseAsync(monitor, isNamed, isGone, time, log).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the last words of its process at a monitor; where there may be more to come, it does not wait.</summary>
    public async Task HearOutAsync(QmpMonitor monitor)
    {
        try
        {
            if (!HasExited)
                return;
        }
        catch (ObjectDisposedException)
        {
            // Nobody looks at the process any more, so nobody can tell whether it ended.
            return;
        }

        await monitor.HearOutAsync(QemuInventory.ShortPatience).ConfigureAwait(false);
    }

    /// <summary>The lock is held.</summary>
    private QmpMonitor Acquire(MonitorCandidate candidate)
    {
        MonitorKey key = candidate.Endpoint!.Key;
        if (!_acquired.TryGetValue(key, out (QmpMonitor Monitor, bool IsNamed) acquired))
            _acquired[key] = acquired = (MonitorRegistry.Acquire(candidate.Endpoint, candidate.IsNamed, time, log), candidate.IsNamed);
        return acquired.Monitor;
    }

    // The lock is held.
    private bool IsForbidden(QmpMonitor monitor) =>
        _candidates.Any(candidate => candidate.Forbids?.Invoke(monitor.Endpoint) == true) && !Keys.Contains(monitor.Endpoint.Key);

    private bool MayBeAnother(QmpMonitor monitor) => Process is null && _hello is not null && monitor.Losses != Volatile.Read(ref _losses);

    private void Use(QmpMonitor monitor)
    {
        lock (_gate)
        {
            WasSilent = false;

            // As long as it was connected to, the one who forbids it may have been asked.
            if (IsForbidden(monitor))
                return;
            bool mayBeAnother = _current == monitor && MayBeAnother(monitor);
            _current = monitor;
            Volatile.Write(ref _losses, monitor.Losses);
            if (Process is null && _hello is { } before && monitor.Hello is { } now && (mayBeAnother || (before.Name, before.Uuid) != (now.Name, now.Uuid)))
                IsReplaced = true;
            else if (monitor.Hello is { } hello)
                (_hello, _hasNewWord) = (hello, _hasNewWord || _hello is null || (_hello.Name, _hello.Uuid) != (hello.Name, hello.Uuid));
            if (Process is null)
                Uid = monitor.Peer.Uid;
        }
    }
}
