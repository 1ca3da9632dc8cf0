using System.Collections.Concurrent;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// The one place that says which QEMUs there are, whether a socket was named, a directory, or neither: what is found
/// becomes a QEMU process with its monitors, has one name and one UUID, and is what its handle leads to, or nobody is.
/// </summary>
internal sealed partial class QemuInventory(IReadOnlyList<IQemuScope> scopes, TimeProvider time, ConnectionLog log) : IAsyncDisposable
{
    // A look at the host for each call on a QEMU that cannot be asked would be work for nothing.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    // Whoever greets as QEMU does, does so at once; other services wait for their client to speak first. And nobody who wants
    // to know which QEMUs there are waits longer for one that does not say its name.
    public static readonly TimeSpan ShortPatience = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _looking = new(1);
    private readonly QemuProcesses _processes = new(log.ProcessFailed);
    private readonly List<QemuInstance> _instances = [];
    private volatile Dictionary<Guid, QemuInstance> _known = [];
    private long _lookedAt;
    private long _begunLooks;
    private long _lastLook;
    private long _searches;
    private long _viewed;

    // Not held: it is large.
    private readonly WeakReference<HostView?> _lastView = new(null);
    private bool _mustName;

    // What the last look could not see, and what this user might not look at in the last one that saw all.
    private LookFailure? _trouble;
    private IReadOnlySet<string> _wereDenied = new HashSet<string>();
    private bool _mustLookAgain;
    private volatile LibvirtException? _lookError;
    private bool _isDisposed;
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentQueue<LibvirtException> _leftOut = [];
    private long _trustChanges;
    private long _trustSeen;

    // How many more processes of users that are not trusted there were, when that was last said.
    private readonly Dictionary<uint, int> _saidMore = [];

    /// <summary>Why the last look did not see all; null where it did.</summary>
    public LibvirtException? LookError => _lookError;

    /// <summary>All QEMUs that are there; those that cannot be asked are among them, and say why.</summary>
    /// <param name="connects">Whether to connect to all that let us; else only to those that cannot be named without.</param>
    /// <param name="timeout">A monitor's deadline; those that are silent are not waited for as long.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(bool connects, TimeSpan timeout, CancellationToken cancellationToken) =>
        RefreshAsync(connects, mayHaveEnded: false, timeout, cancellationToken);

    /// <summary>The same without connecting, for who asks each: one that has ended since the last look may be among them.</summary>
    public ValueTask<IReadOnlyList<QemuDomain>> ToAskAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        RefreshAsync(connects: false, mayHaveEnded: true, timeout, cancellationToken);

    private async ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(bool connects, bool mayHaveEnded, TimeSpan timeout, CancellationToken cancellationToken)
    {
        QemuInstance[] wanted = await LookAsync(
            instance => (connects || !instance.IsIdentified) && MayConnect(instance), cancellationToken).ConfigureAwait(false);
        _ = await ConnectAsync(wanted, waitsForSilent: false, Shorter(timeout), timeout, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<QemuDomain> all = await PublishAsync(instance => mayHaveEnded || !instance.HasExited, cancellationToken).ConfigureAwait(false);
        await TellLeftOutAsync(cancellationToken).ConfigureAwait(false);
        return all;
    }

    /// <summary>The QEMU that is asked for; null where there is none. Looks at command lines first, so that asking for one connects to no other.</summary>
    public async ValueTask<QemuDomain?> LookupAsync(
        Func<DomainIdentity, bool> isWanted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        _ = await LookAsync(_ => false, cancellationToken).ConfigureAwait(false);
        HashSet<QemuInstance> asked = [];

        // Who says another name once it is asked may leave the one that was asked for to somebody else, who is asked, too. And whose name
        // stays a guess yields to anybody who tells that name.
        while (await ExclusivelyAsync(Nameless, cancellationToken).ConfigureAwait(false) is { Length: > 0 } nameless)
            _ = await ConnectAsync(nameless, waitsForSilent: false, Shorter(timeout), timeout, cancellationToken).ConfigureAwait(false);
        QemuDomain? found = await FindAsync(isWanted, cancellationToken).ConfigureAwait(false);
        if (found is null)
        {
            await TellLeftOutAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfUnseen();
        }

        return found;

        QemuInstance[] Nameless()
        {
            NameAll();
            QemuInstance[] wanted = [.. _instances.Where(instance => instance.IsNamed && isWanted(instance.Identity))];
            QemuInstance[] first = Unasked(wanted);
            return first.Length > 0 || (wanted.Length > 0 && Array.TrueForAll(wanted, instance => !instance.IsNameGuessed)) ? first : Unasked(_instances);
        }

        QemuInstance[] Unasked(IEnumerable<QemuInstance> instances) =>
            [.. instances.Where(instance => !instance.IsIdentified && MayConnect(instance) && asked.Add(instance))];
    }

    /// <summary>Whom to trust was changed: no call begins on any of them before a look has shown which may be asked.</summary>
    public void Reconsider() => Interlocked.Increment(ref _trustChanges);

    /// <summary>The QEMU that a handle leads to, if it can be asked at once; asks nobody.</summary>
    public QemuDomain? Find(DomainIdentity identity) => !MustReconsider && TryGet(identity) is { IsConnected: true } instance ? instance.Domain : null;

    /// <summary>The QEMU that a handle leads to, connected where that is possible; null where it is gone.</summary>
    /// <param name="identity">The handle.</param>
    /// <param name="waitsForSilent">Whether to wait once more for one that was silent before.</param>
    /// <param name="timeout">The monitor's deadline.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<QemuDomain?> ResolveAsync(
        DomainIdentity identity, bool waitsForSilent, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (MustReconsider || TryGet(identity) is not { HasExited: false } || time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookAgain)
        {
            _ = await LookAsync(_ => false, cancellationToken).ConfigureAwait(false);
            _ = await PublishAsync(_ => false, cancellationToken).ConfigureAwait(false);
        }

        if (TryGet(identity) is null)
            ThrowIfUnseen();
        if (TryGet(identity) is not { HasExited: false } instance)
            return null;
        if (instance.IsConnected)
            return instance.Domain;
        if (instance.ReasonToPause is { } pause)
            return instance.Domain.Unreachable(pause);
        LibvirtException? error = (await ConnectAsync([instance], waitsForSilent, timeout, timeout, cancellationToken).ConfigureAwait(false))[0];
        if (instance.HasExited || instance.IsReplaced)
        {
            // Who has no more than a UUID asks for whoever bears it now.
            _ = await PublishAsync(_ => false, cancellationToken).ConfigureAwait(false);
            return TryGet(identity) is { HasExited: false, IsConnected: true } successor && successor != instance ? successor.Domain : null;
        }

        if (error is null && !instance.IsConnected && instance.WasSilent)
            error = instance.FindHolder() ?? QmpErrors.StillSilent(instance.Identity.Name);
        return error is null ? instance.Domain : instance.Domain.Unreachable(error);
    }

    /// <summary>Whether a QEMU let a question pass, or did not greet; asks nobody.</summary>
    public bool IsSilent(DomainIdentity identity, TimeSpan timeout) => TryGet(identity) is { HasExited: false } instance && instance.IsSilent(timeout);

    /// <summary>Why nobody is there, where one socket was named.</summary>
    public async ValueTask<LibvirtException?> ConnectNamedAsync(SocketScope scope, TimeSpan timeout, CancellationToken cancellationToken)
    {
        QemuInstance[] found = await LookAsync(_ => true, cancellationToken).ConfigureAwait(false);
        if (found.Length == 0)
            return await LookExclusivelyAsync<LibvirtException>(scope.Missing, () => _lookError!, cancellationToken).ConfigureAwait(false);
        LibvirtException? error = await found[0].ConnectAsync(timeout, cancellationToken).ConfigureAwait(false);
        _ = await LookExclusivelyAsync(() => FindOwners(found, long.MaxValue), () => MustFindOwners(found), cancellationToken).ConfigureAwait(false);
        return found[0].IsKnown ? null : error;
    }

    public async ValueTask DisposeAsync()
    {
        // A look that hangs is not waited for, nor those who wait for their turn to look.
        await _closing.CancelAsync().ConfigureAwait(false);
        QemuInstance[] all = await ExclusivelyAsync(() =>
        {
            _isDisposed = true;
            QemuInstance[] instances = [.. _instances];
            _instances.Clear();
            _known = [];
            return instances;
        }, CancellationToken.None).ConfigureAwait(false);

        try
        {
            // Side by side, so that those which are silent take no longer than one of them.
            await Task.WhenAll(all.Select(instance => instance.ReleaseAsync(isGone: false).AsTask())).ConfigureAwait(false);
        }
        finally
        {
            // A call that is still under way may be looking at them.
            _ = await ExclusivelyAsync(
                () =>
                {
                    _processes.Dispose();
                    return true;
                },
                CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The one monitor of a connection that has one.</summary>
    internal QmpMonitor OnlyMonitor => _known.Values.Distinct().Single().Domain.Monitor;

    private bool MustReconsider => Volatile.Read(ref _trustChanges) != Volatile.Read(ref _trustSeen);

    // By its UUID, which no other has; and where the handle says it, by its process.
    private QemuInstance? TryGet(DomainIdentity identity) =>
        _known.TryGetValue(identity.Uuid, out QemuInstance? instance)
        && (identity.Instance is { } number ? number == instance.Number : identity.Id is not { } id || id == instance.Identity.Id)
            ? instance
            : null;

    // Side by side: each has a lane and a deadline of its own, so that one that is silent keeps nobody else waiting.
    private async Task<LibvirtException?[]> ConnectAsync(
        QemuInstance[] instances, bool waitsForSilent, TimeSpan patience, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (instances.Length == 0)
            return [];
        LibvirtException?[] errors = await Task.WhenAll(instances.Select(
            instance => ConnectAsync(instance, waitsForSilent, patience, timeout, cancellationToken))).ConfigureAwait(false);
        List<QemuInstance> gone = [];
        long searches = Volatile.Read(ref _searches);
        try
        {
            await LookExclusivelyAsync(Find, FindLater, cancellationToken).ConfigureAwait(false);
            await HearAsync(instances, patience, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await ReleaseAsync(gone).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return errors;

        bool Find()
        {
            // As with looks.
            FindOwners(instances.Where(instance => instance.LastOwnerSearch <= searches), searches);
            for (int i = 0; i < instances.Length; i++)
            {
                // Another caller has put a successor in its place.
                if (instances[i].Successor is not null)
                    continue;

                FindSilent(instances[i]);
                if (instances[i] is { IsKnown: false, MayBeNoMonitor: true } && errors[i] is { Code: not (ErrorCode.ResourceBusy or ErrorCode.NoDomain) } error
                    && !QmpErrors.IsPermissionDenied(error) && !QmpErrors.ProvesNothing(error))
                {
                    // Where nobody listens, somebody may tomorrow. One that has spoken as a monitor is one.
                    if (QmpErrors.IsNobodyThere(error))
                        Remove(instances[i], gone);
                    else if (!instances[i].HasSpoken && Disregard(instances[i], isCertain: error.Code != ErrorCode.OperationTimeout, gone))
                        log.SocketSkipped(instances[i].Domain.MonitorOrNull?.Path ?? "", error);
                    else if (!instances[i].HasSpoken)
                        continue; // It was told of before.
                }

                NoteLeftOut(instances[i], errors[i]);
            }

            return Settle();
        }

        bool FindLater()
        {
            MustFindOwners(instances);
            return Settle();
        }

        // What needs no look.
        bool Settle()
        {
            PutSuccessors(gone);
            Unite(gone);
            _mustName = true;
            return true;
        }
    }

    private async Task<LibvirtException?> ConnectAsync(
        QemuInstance instance, bool waitsForSilent, TimeSpan patience, TimeSpan timeout, CancellationToken cancellationToken)
    {
        // A stranger's queue is left as soon as nobody waits. A QEMU may take its time to greet: to leave and come again would
        // only cost it two connections.
        if (instance is { MayBeNoMonitor: true, IsKnown: false })
            timeout = patience = Shorter(timeout);
        bool waits = waitsForSilent || !instance.WasSilent;
        Task<LibvirtException?> connecting = instance.ConnectAsync(timeout, cancellationToken);

        // Nobody who wants them all waits for one that was silent before, again and again.
        if ((waits && patience == timeout) || connecting.IsCompleted)
            return await connecting.ConfigureAwait(false);
        try
        {
            if (waits)
                return await connecting.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (instance.FindHolder() is null)
        {
            instance.NoteSilence();
        }
        catch (TimeoutException)
        {
            // Its holder is served, and we are told so when the attempt ends.
        }

        _ = connecting.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return null;
    }

    private static bool MayConnect(QemuInstance instance) => (!instance.IsConnected || instance.MustAnswer) && instance.ReasonToPause is null;

    private static TimeSpan Shorter(TimeSpan timeout) => timeout < ShortPatience ? timeout : ShortPatience;

    private ValueTask<QemuDomain?> FindAsync(Func<DomainIdentity, bool> isWanted, CancellationToken cancellationToken) =>
        ExclusivelyAsync(() =>
        {
            NameAll();
            if (_instances.Find(candidate => candidate.IsNamed && isWanted(candidate.Identity)) is not { } instance)
                return null;
            instance.NoteListed();
            return instance.Domain;
        }, cancellationToken);

    private ValueTask<IReadOnlyList<QemuDomain>> PublishAsync(Func<QemuInstance, bool> isListed, CancellationToken cancellationToken) =>
        ExclusivelyAsync(() =>
        {
            NameAll();
            List<QemuDomain> domains = [];
            foreach (QemuInstance instance in _instances)
            {
                if (!instance.IsNamed || !isListed(instance))
                    continue;
                instance.NoteListed();
                domains.Add(instance.Domain);
            }

            domains.Sort(static (left, right) => DomainOrder.Compare(left.Identity.Id, left.Identity.Name, right.Identity.Id, right.Identity.Name));
            return (IReadOnlyList<QemuDomain>)domains;
        }, cancellationToken);

    private static ObjectDisposedException Closed() => new(nameof(Connection));

    private void NameAll()
    {
        if (!_mustName && !_instances.Exists(static instance => instance.HasNewWord))
            return;
        _mustName = false;
        QemuInstance[] known = [.. _instances.Where(instance => instance.IsKnown)];
        DomainIdentity[] identities = DomainNames.Assign([.. known.Select(instance => instance.Claim())]);
        Dictionary<Guid, QemuInstance> byUuid = [];
        for (int i = 0; i < known.Length; i++)
        {
            known[i].Name(identities[i] with { Instance = known[i].Number });
            byUuid[identities[i].Uuid] = known[i];
        }

        foreach (QemuInstance instance in known)
        {
            foreach (Guid former in instance.FormerUuids)
                byUuid.TryAdd(former, instance);
        }

        _known = byUuid;
    }

    private async ValueTask<T> ExclusivelyAsync<T>(Func<T> action, CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return action();
        }
        finally
        {
            _looking.Release();
        }
    }
}
