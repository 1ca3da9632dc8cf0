using System.Globalization;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// One QEMU: its process, or, where Ballast cannot see that, the peer of one socket. It has one name, one UUID and
/// one monitor that is used, whichever of its monitors is free.
/// </summary>
internal sealed class QemuInstance
{
    private static long _last;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ConnectionLog _log;
    private readonly InstanceIdentity _identity;
    private readonly InstanceMonitors _monitors;
    private readonly Func<long, bool> _isHeardAfter;
    private QmpMonitor? _current;
    private QemuDomain? _domain;
    private bool _isDomainStale;
    private (ErrorCode, int)? _leftOutFor;
    private long _losses;

    public QemuInstance(TimeProvider time, ConnectionLog log)
    {
        (_time, _log) = (time, log);
        _identity = new InstanceIdentity(_gate, log);
        _monitors = new InstanceMonitors(_gate, time, log);
        Reports = new ReportHistory(time);
        _isHeardAfter = IsHeardAfter;
    }

    /// <summary>Tells it from every other, also from one that comes later and bears all the same names and numbers.</summary>
    public long Number { get; } = Interlocked.Increment(ref _last);

    /// <inheritdoc cref="InstanceIdentity.Process"/>
    public QemuProcess? Process => _identity.Process;

    /// <inheritdoc cref="InstanceIdentity.Distrust"/>
    public string? Distrust => _identity.Distrust;

    /// <inheritdoc cref="InstanceIdentity.Decided"/>
    public DomainIdentity Identity => _identity.Decided;

    /// <inheritdoc cref="InstanceIdentity.IsListed"/>
    public bool IsListed => _identity.IsListed;

    /// <inheritdoc cref="InstanceIdentity.FormerUuids"/>
    public IReadOnlyList<Guid> FormerUuids => _identity.FormerUuids;

    /// <inheritdoc cref="InstanceIdentity.HasNewWord"/>
    public bool HasNewWord => _identity.HasNewWord;

    /// <inheritdoc cref="InstanceIdentity.IsNameGuessed"/>
    public bool IsNameGuessed => _identity.IsNameGuessed;

    /// <summary>What its guest was heard to report.</summary>
    public ReportHistory Reports { get; }

    /// <summary>Whether its balloon device has the guest tell which pages are free; null: nobody asked yet.</summary>
    public bool? ReportsFreePages { get; set; }

    /// <summary>Whether it is only a socket that lies beside monitors, and may be anything.</summary>
    public bool MayBeNoMonitor { get; private set; }

    /// <summary>The number of the last search for the process behind its sockets.</summary>
    public long LastOwnerSearch { get; set; }

    /// <summary>Whether that search could not look at all, so that another has to follow.</summary>
    public bool MustFindOwner { get; set; }

    /// <summary>
    /// Whether its monitor has to answer once more before it is known: who made its socket ends, and no QEMU that can be seen has it. So it
    /// is being closed, as at the end of a QEMU, or somebody else has it, who answers.
    /// </summary>
    public bool MustAnswer { get; set; }

    /// <summary>Whether it answered when who made its socket had ended: somebody else has it, and that holds.</summary>
    public bool HasOutlivedMaker { get; private set; }

    /// <summary>Who was put in its place; null where nobody was.</summary>
    public QemuInstance? Successor { get; private set; }

    /// <summary>Whether a monitor has spoken there, its own or that of the one whose place it took: so it is no other service.</summary>
    public bool HasSpoken { get; private set; }

    /// <summary>Whether its last attempt to connect met silence.</summary>
    public bool WasSilent { get; private set; }

    /// <summary>
    /// Whether another QEMU answers where only the peer of a socket is known: it says so, or nobody can tell, since the one before has
    /// ended its connection, as at the end of a QEMU behind a relay.
    /// </summary>
    public bool IsReplaced { get; private set; }

    public bool HasExited => Process is { HasExited: true };

    /// <summary>Whether its monitor can be asked at once.</summary>
    public bool IsConnected => Volatile.Read(ref _current) is { IsConnected: true } monitor && !IsReplaced && !MayBeAnother(monitor);

    /// <summary>Whether its monitor let a question pass for so long, or did not greet the last who came.</summary>
    public bool IsSilent(TimeSpan timeout) => Volatile.Read(ref _current) is { IsConnected: true } monitor ? monitor.IsSilent(timeout) : WasSilent;

    /// <summary>Whether anybody was ever reached, or it is known as a process.</summary>
    public bool IsKnown => Process is not null || (_identity.HasGreeted && !MustAnswer);

    /// <summary>Whether it was decided who it is: one that greets at this moment is known, and has no name before the next naming.</summary>
    public bool IsNamed => IsKnown && Identity.Instance is not null;

    /// <summary>Whether its name and UUID are known without asking its monitor.</summary>
    public bool IsIdentified =>
        (_identity.HasGreeted && !MustAnswer && !(Volatile.Read(ref _current) is { } lost && MayBeAnother(lost))) || _identity.NeedsNoMonitor || !Endpoints.Any();

    /// <summary>Whether it was told why it is missing in lists.</summary>
    public bool IsLeftOut => _leftOutFor is not null;

    /// <summary>Where its monitors are.</summary>
    public IEnumerable<MonitorEndpoint> Endpoints => _monitors.Endpoints;

    /// <inheritdoc cref="InstanceIdentity.MayBeNamedByStuckFile"/>
    public bool MayBeNamedByStuckFile => _identity.MayBeNamedByStuckFile;

    /// <summary>The keys of its monitors.</summary>
    public IEnumerable<MonitorKey> Keys => _monitors.Keys;

    /// <inheritdoc cref="InstanceMonitors.ReasonToPause"/>
    public LibvirtException? ReasonToPause => _monitors.ReasonToPause;

    /// <summary>The peer of the connection; null where there is none.</summary>
    public UnixSocketPeer? Peer => _current is { Hello: not null, IsConnected: true } current ? current.Peer : null;

    /// <summary>The peer of the connection, or of the last one that there was; null before the first.</summary>
    public UnixSocketPeer? LastPeer => _current is { Hello: not null } current ? current.Peer : null;

    /// <summary>Who let us connect and then said nothing; null where nobody did.</summary>
    public UnixSocketPeer? MetPeer => WasSilent ? _monitors.MetPeer : null;

    /// <summary>What callers use: always the same object as long as it is the same QEMU by the same name and monitor.</summary>
    public QemuDomain Domain
    {
        get
        {
            lock (_gate)
            {
                QmpMonitor? monitor = _current ?? _monitors.AcquireFirst();
                if (!_isDomainStale && _domain is { } domain && domain.MonitorOrNull == monitor)
                    return domain;
                _isDomainStale = false;
                QemuDomain made = monitor is not null
                    ? new QemuDomain(this, monitor)
                    : new QemuDomain(this, _monitors.Refusal ?? (() => QmpErrors.NoMonitor(Identity.Name)));
                made.Remember(_domain);
                return _domain = made;
            }
        }
    }

    /// <summary>It has answered, though who made its socket had ended when it was asked.</summary>
    public void NoteAnswer() => (MustAnswer, HasOutlivedMaker) = (false, true);

    /// <summary>Somebody waited for its greeting in vain; the attempt may go on.</summary>
    public void NoteSilence() => WasSilent = !IsConnected;

    /// <summary>Whether it is missing in lists for another reason than the one that was told last, which it is from now on.</summary>
    public bool IsLeftOutForNewReason(LibvirtException reason)
    {
        (ErrorCode, int) kind = (reason.Code, reason.Int1);
        if (_leftOutFor == kind)
            return false;
        _leftOutFor = kind;
        return true;
    }

    /// <inheritdoc cref="InstanceIdentity.NoteListed"/>
    public void NoteListed()
    {
        lock (_gate)
            _identity.NoteListed();
    }

    /// <inheritdoc cref="InstanceIdentity.Claim"/>
    public DomainClaim Claim()
    {
        lock (_gate)
            return _identity.Claim(_current);
    }

    /// <inheritdoc cref="InstanceIdentity.Disagreement"/>
    public string? Disagreement() => _identity.Disagreement();

    /// <summary>Decides who it is.</summary>
    public void Name(DomainIdentity identity)
    {
        lock (_gate)
            _isDomainStale |= _identity.Decide(identity);
    }

    /// <summary>What was found of it now.</summary>
    public void Update(Sighting sighting)
    {
        lock (_gate)
        {
            _identity.Find(sighting);
            _monitors.Find(sighting.Monitors);
            MayBeNoMonitor = sighting.MayBeNoMonitor;

            // Calls under way end; it is let go when it was idle for as long as others.
            if (_current is { } current && _monitors.Forbid(current))
                _current = null;
            _isDomainStale |= _current is not { IsConnected: true };
        }
    }

    /// <summary>One more of its sockets, of which no look can tell that they are one QEMU's.</summary>
    public void UpdateFurther(Sighting sighting) => _monitors.FindMore(sighting.Monitors);

    /// <summary>Another one turned out to be the same QEMU: its sockets are looked for no more as if they were somebody else's.</summary>
    public void Absorb(QemuInstance same) => _monitors.Absorb(same._monitors);

    /// <inheritdoc cref="InstanceMonitors.Knows"/>
    public bool Knows(MonitorKey key) => _monitors.Knows(key);

    /// <inheritdoc cref="InstanceMonitors.EndLook"/>
    public void EndLook() => _monitors.EndLook();

    /// <summary>It was found who is behind the socket.</summary>
    public void Become(QemuProcess process)
    {
        lock (_gate)
        {
            _identity.Become(process);
            _monitors.AddOwner(process);
            _isDomainStale = true;
        }
    }

    /// <summary>Whether something is its own, by the name of what cannot be looked at: of its process, or on the way to its sockets.</summary>
    public bool Concerns(string path) =>
        (Process is { } process && path.StartsWith(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/"), StringComparison.Ordinal))
        || _monitors.LieBelow(path);

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

    /// <inheritdoc cref="InstanceMonitors.AreBoundBy"/>
    public bool IsBoundBy(QemuProcess process) => _monitors.AreBoundBy(process);

    /// <summary>
    /// Connects to the first of its monitors that lets us: one that is held, refused, absent or silent leaves room for the
    /// next.
    /// </summary>
    /// <returns>Why none does; null where one is connected, or none may be asked.</returns>
    public async Task<LibvirtException?> ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        MonitorCandidate[] usable = _monitors.Usable;
        long since = _time.GetTimestamp();
        LibvirtException? first = null;
        for (int i = 0; i < usable.Length; i++)
        {
            TimeSpan left = timeout - _time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero && first is not null)
                break;
            if (_monitors.Acquire(usable[i]) is not { } monitor)
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

    /// <summary>Asks its monitor on the connection that it has: on another one, it may be somebody else who answers.</summary>
    /// <returns>Why it does not answer; null where it does.</returns>
    public async Task<LibvirtException?> AskAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        QmpMonitor? monitor = Volatile.Read(ref _current);
        long losses = monitor?.Losses ?? 0;
        try
        {
            if (monitor is { IsConnected: true })
            {
                _ = await monitor.QueryAsync(MonitorParts.Status, timeout, cancellationToken).ConfigureAwait(false);
                if (monitor.Losses == losses)
                    return null;
            }
        }
        catch (LibvirtException e) when (monitor?.Losses == losses)
        {
            return e;
        }
        catch (LibvirtException)
        {
            // What is wrong with another connection.
        }
        catch (ObjectDisposedException)
        {
            // Its connection was closed.
        }

        return QmpErrors.Lost(monitor?.Path ?? "", null);
    }

    /// <summary>Who is served by the first of its monitors while none serves us; null where nobody is, or one does.</summary>
    public LibvirtException? FindHolder() => IsConnected ? null : _monitors.FindHolder();

    /// <summary>The QEMU that answers now. What this one answered says nothing of it.</summary>
    public QemuInstance MakeSuccessor()
    {
        QemuInstance successor = new(_time, _log)
        {
            MayBeNoMonitor = MayBeNoMonitor,
            HasSpoken = HasSpoken,
            MustAnswer = MustAnswer || HasOutlivedMaker,

            // Who was never known is not missed anew.
            _leftOutFor = MustAnswer ? _leftOutFor : null,
        };
        lock (_gate)
        {
            successor._monitors.Inherit(_monitors);
            foreach (MonitorCandidate candidate in successor._monitors.Usable)
            {
                if (successor._monitors.Acquire(candidate) is { IsConnected: true } monitor)
                    successor.Use(monitor);
            }
        }

        return Successor = successor;
    }

    /// <summary>Gives its monitors back.</summary>
    /// <param name="isGone">Whether the QEMU is gone, rather than the connection closed.</param>
    public ValueTask ReleaseAsync(bool isGone) => _monitors.ReleaseAsync(isGone, HearOutAsync);

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

    /// <summary>
    /// Whether a monitor that has lost so many connections still leads to it: where no process is shown, who answers after one more may be
    /// another QEMU.
    /// </summary>
    public bool IsHeardAfter(long losses) => Process is not null || (Volatile.Read(ref _losses) == losses && !IsReplaced);

    /// <summary>The same for who asks something; null where a process is shown: each connection was proven to be to that.</summary>
    public Func<long, bool>? IsMeant => Process is null ? _isHeardAfter : null;

    private bool MayBeAnother(QmpMonitor monitor) => MayBeAnother(monitor.Losses);

    private bool MayBeAnother(long losses) => Process is null && _identity.HasGreeted && losses != Volatile.Read(ref _losses);

    private void Use(QmpMonitor monitor)
    {
        lock (_gate)
        {
            WasSilent = false;

            // As long as it was connected to, the one who forbids it may have been asked.
            if (_monitors.Forbid(monitor))
                return;

            // Once, and before it is heard: an end that comes later is not one that was heard after.
            long losses = monitor.Losses;
            bool mayBeAnother = _current == monitor && MayBeAnother(losses);
            _current = monitor;

            // First this: whoever sees the new number sees whose it is.
            IsReplaced |= !_identity.Hear(monitor.Hello, monitor.Peer, mayBeAnother);
            HasSpoken |= _identity.HasGreeted;
            Volatile.Write(ref _losses, losses);
        }
    }
}
