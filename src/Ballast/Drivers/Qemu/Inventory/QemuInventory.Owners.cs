using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;

namespace Ballast.Drivers.Qemu.Inventory;

// Whose sockets they are, where a look could not tell.
internal sealed partial class QemuInventory
{
    private static readonly TimeSpan LoggerPatience = TimeSpan.FromSeconds(1);

    /// <summary>A socket is shown to be a process's by its peer or, where nobody could be reached, by the process's own table.</summary>
    /// <param name="instances">Whose.</param>
    /// <param name="searches">The last search that had begun when they were asked: what was seen in a later one holds.</param>
    private bool FindOwners(IEnumerable<QemuInstance> instances, long searches)
    {
        long number = ++_searches;
        HostView? view = null;
        foreach (QemuInstance instance in instances)
        {
            if (instance.Process is not null)
                continue;
            using LookTrouble trouble = new();
            QemuProcess? owner = instance.Peer is { Pid: > 0 } peer && _processes.Find(peer.Pid) is { } creator && instance.CanBeServedBy(peer, creator)
                ? creator
                : null;
            foreach (MonitorEndpoint endpoint in instance.Endpoints)
            {
                if (owner is null && endpoint.Key.Listener is not 0 and var listener)
                {
                    owner = _processes.OwnersOf(listener, view ??= ViewAfter(searches))
                        .FirstOrDefault(process => instance.IsServedBy(process, endpoint));
                }
            }

            if (owner is not null)
                instance.Become(owner);

            // Behind the search: one that hangs is begun again, and is none.
            instance.LastOwnerSearch = number;
            instance.MustFindOwner = owner is null && !trouble.IsAnswered;

            // One that was listed may be somebody's already.
            instance.MustAnswer = owner is null && instance is { IsListed: false, HasOutlivedMaker: false }
                && instance.LastPeer is { Pid: > 0 and var maker } && ProcessTable.IsEnding(maker);
            _mustLookAgain |= instance.MustFindOwner;
            _mustName = true;
        }

        return true;
    }

    // Who does not answer is asked again by the next who wants to know, as long as there is a connection.
    private async Task HearAsync(QemuInstance[] instances, TimeSpan timeout, CancellationToken cancellationToken)
    {
        QemuInstance[] asked = [.. instances.Select(Latest).Where(static instance => instance.MustAnswer)];
        if (asked.Length == 0)
            return;
        LibvirtException?[] errors = await Task.WhenAll(asked.Select(instance => instance.AskAsync(timeout, cancellationToken))).ConfigureAwait(false);
        _ = await ExclusivelyAsync(
            () =>
            {
                for (int i = 0; i < asked.Length; i++)
                {
                    if (errors[i] is null)
                        asked[i].NoteAnswer();

                    // Who put another one in its place asks that one.
                    if (asked[i].Successor is null)
                        NoteLeftOut(asked[i], errors[i]);
                }

                return _mustName = true;
            },
            cancellationToken).ConfigureAwait(false);

        static QemuInstance Latest(QemuInstance instance)
        {
            while (instance.Successor is { } successor)
                instance = successor;
            return instance;
        }
    }

    // Those of whom nobody could look whose they are; the next look does.
    private bool MustFindOwners(IEnumerable<QemuInstance> instances)
    {
        foreach (QemuInstance instance in instances)
            instance.MustFindOwner = instance.Process is null;
        _mustLookAgain = true;
        return false;
    }

    // Nobody connects again to those that are connected: so a search that hung is made up for here.
    private void FindMissedOwners(List<QemuInstance> gone, long searches)
    {
        if (!_instances.Exists(static instance => instance.MustFindOwner))
            return;

        // As with looks: those who waited for their turn share a search that began after they asked.
        QemuInstance[] missed = [.. _instances.Where(instance => instance is { MustFindOwner: true, Process: null } && instance.LastOwnerSearch <= searches)];
        if (missed.Length == 0)
            return;
        FindOwners(missed, _searches);
        Unite(gone);
    }

    private HostView ViewAfter(long searches)
    {
        if (_viewed > searches && _lastView.TryGetTarget(out HostView? last))
            return last;
        HostView view = new();
        _lastView.SetTarget(view);
        _viewed = _searches;
        return view;
    }

    // Of one that says nothing just now, who listens there has to do, and that its command line says what for.
    private void FindSilent(QemuInstance instance)
    {
        if (instance is { Process: null, MetPeer: { Pid: > 0, IsAlive: not false } peer } && _processes.Find(peer.Pid) is { } process
            && instance.IsBoundBy(process))
        {
            instance.Become(process);
        }
    }

    // What could not be asked, and whose process cannot be shown, is in no list: whoever asks for a list is told why, once for each
    // reason. A service that does not speak as QEMU does is missed by nobody, nor is one that ended its connection, as at its end.
    private void NoteLeftOut(QemuInstance instance, LibvirtException? error)
    {
        // Who serves a silent one is looked up once: it costs a look at the host.
        if (instance.IsKnown || (error is null && instance.IsLeftOut))
            return;
        error ??= instance.WasSilent ? instance.FindHolder() ?? QmpErrors.StillSilent(instance.Domain.MonitorOrNull?.Path ?? "") : null;
        if (error is not null && (error.Code is ErrorCode.ResourceBusy or ErrorCode.OperationTimeout || QmpErrors.IsPermissionDenied(error)) && instance.IsLeftOutForNewReason(error))
            _leftOut.Enqueue(error);
    }

    private async ValueTask TellLeftOutAsync(CancellationToken cancellationToken)
    {
        List<Task> telling = [];
        while (_leftOut.TryDequeue(out LibvirtException? reason))
            telling.Add(log.SocketLeftOutAsync(reason));
        if (telling.Count == 0)
            return;
        await Task.WhenAll(telling).WaitAsync(LoggerPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Leaves out what seems to be no monitor.</summary>
    /// <returns>Whether it was not left out before.</returns>
    private bool Disregard(QemuInstance instance, bool isCertain, List<QemuInstance> gone)
    {
        bool isNew = true;
        foreach (IQemuScope scope in scopes)
        {
            foreach (MonitorKey key in instance.Keys)
                isNew &= scope.Disregard(key, isCertain);
        }

        Remove(instance, gone);
        return isNew;
    }

    private void Remove(QemuInstance instance, List<QemuInstance> gone)
    {
        if (_instances.Remove(instance))
            gone.Add(instance);
    }

    // Where no process can be shown, the monitor's own word has to do: who says another name is another one.
    private void PutSuccessors(List<QemuInstance> gone)
    {
        foreach (QemuInstance replaced in _instances.Where(instance => instance.IsReplaced).ToArray())
        {
            _instances[_instances.IndexOf(replaced)] = replaced.MakeSuccessor();
            gone.Add(replaced);
        }
    }

    // Two sockets whose process was not visible before they were asked may turn out to be one QEMU's. Where no process can be shown,
    // nobody can tell a QEMU with two sockets from a relay of two QEMUs that say the same.
    private void Unite(List<QemuInstance> gone)
    {
        Dictionary<QemuProcess, QemuInstance> processes = [];
        foreach (QemuInstance instance in _instances.OrderBy(instance => (instance.IsListed ? 0 : 2) + (instance.IsConnected ? 0 : 1)).ToArray())
        {
            if (instance.Process is not { } process || processes.TryAdd(process, instance) || !_instances.Remove(instance))
                continue;
            processes[process].Absorb(instance);
            gone.Add(instance);
        }
    }
}
