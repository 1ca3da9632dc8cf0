using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;

namespace Ballast.Drivers.Qemu.Inventory;

// Looks: which QEMUs are there, and which are gone.
internal sealed partial class QemuInventory
{
    private async ValueTask<QemuInstance[]> LookAsync(Func<QemuInstance, bool> isWanted, CancellationToken cancellationToken)
    {
        List<QemuInstance> gone = [];
        long searches = Volatile.Read(ref _searches);
        long begun = Volatile.Read(ref _begunLooks);
        LookFailure? unseen = null;
        QemuInstance[] wanted;
        try
        {
            wanted = await LookExclusivelyAsync(
                () =>
                {
                    // Those who waited for their turn share a look that began after they asked: else, while one monitor is away, each
                    // of many callers looked at the whole host, one after the other.
                    if (_lastLook <= begun && (MustReconsider || _mustLookAgain || scopes.Any(scope => scope.MayHaveChanged()) || MayBeGone() || HasReadableFile()))
                    {
                        Look(gone);
                    }

                    // Also where the look is over and it was this that hung.
                    FindMissedOwners(gone, searches);
                    return Wanted();
                },
                Wanted,
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await ReleaseAsync(gone).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return unseen is { } failure ? throw QmpErrors.CannotLook(failure) : wanted;

        QemuInstance[] Wanted()
        {
            // Whoever finds nobody is not told that nobody is there, where the last look could not see all.
            if (_instances.Count == 0)
                unseen = _trouble;
            return _instances.Where(isWanted).ToArray();
        }
    }

    // A look may hang: whoever waits is given what the last one saw, where no look is possible.
    private async Task<T> LookExclusivelyAsync<T>(Func<T> look, Func<T> otherwise, CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            using CancellationTokenSource? either = cancellationToken.CanBeCanceled
                ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token)
                : null;
            return await HostLook.RunAsync(look, NoteStuck, either?.Token ?? _closing.Token).ConfigureAwait(false);
        }
        catch (LookStuckException)
        {
            ThrowIfClosed();
            cancellationToken.ThrowIfCancellationRequested();
            _mustLookAgain = true;

            // Nobody looked: who is not found may be there.
            _trouble = HostLook.AnyStuck;
            LibvirtException error = QmpErrors.CannotLook(_trouble);
            if (_lookError is null)
                log.LookFailed(error);
            _lookError = error;
            return otherwise();
        }
        finally
        {
            _looking.Release();
        }
    }

    private void ThrowIfClosed()
    {
        if (_isDisposed || _closing.IsCancellationRequested)
            throw Closed();
    }

    private void NoteStuck(LookFailure failure) => log.LookFailed(QmpErrors.CannotLook(failure));

    // Side by side: however many are gone, their last words are waited for once.
    private static Task ReleaseAsync(List<QemuInstance> gone) =>
        gone.Count == 0 ? Task.CompletedTask : Task.WhenAll(gone.Select(instance => instance.ReleaseAsync(isGone: true).AsTask()));

    // Of those that are left alone because they misbehaved, only a look now and then shows that others took their places: they
    // cost no look with each call.
    private bool MayBeGone()
    {
        bool isTime = time.GetElapsedTime(_lookedAt) >= LookAgain;
        return _instances.Exists(instance => !instance.IsConnected && (isTime || instance.ReasonToPause is null));
    }

    // One that still hangs is no reason to look.
    private bool HasReadableFile() => _instances.Exists(static instance => instance.Process is { HasReadableStuckFile: true });

    private void Look(List<QemuInstance> gone)
    {
        long number = ++_begunLooks, trust = Volatile.Read(ref _trustChanges);

        // One that is left behind saw nothing, whatever the scopes have noted by then.
        _mustLookAgain = true;
        HostView view = new();
        HashSet<QemuInstance> seen = [];
        List<QemuInstance> added = [];
        using LookTrouble trouble = new();

        // Of one socket that was named, no other process is looked at.
        foreach (QemuProcess process in _instances.Select(static instance => instance.Process).OfType<QemuProcess>())
            _processes.ReadStuckFiles(process);
        List<Sighting> sightings = Merge(scopes.SelectMany(scope => scope.Look(view, _processes)));
        bool isPartial = trouble.Failure is not null;
        string[] denied = trouble.IsDenied ? [.. trouble.Denied.Where(IsNews)] : [];
        foreach (Sighting sighting in sightings)
        {
            QemuInstance? instance = Known(sighting);

            // Of whom something could not be seen, what was known stays; and only a process is new for certain.
            if (instance is null ? trouble.Failure is not null && sighting.Process is null : IsHidden(instance, trouble, denied))
            {
                isPartial = true;

                // What is certain is that nobody may use it any more.
                if (instance is not null && seen.Add(instance) && sighting.Monitors.Any(monitor => monitor.Forbids is not null))
                    instance.Update(sighting);
                continue;
            }

            if (instance is null)
            {
                _instances.Add(instance = new QemuInstance(time, log));
                added.Add(instance);
            }

            _mustName |= !seen.Contains(instance) && instance.Process is null;
            string? distrust = instance.Distrust;
            if (seen.Add(instance))
                instance.Update(sighting);
            else
                instance.UpdateFurther(sighting);

            // What it says counts now, or counts no more.
            _mustName |= instance.Distrust != distrust;
        }

        foreach (QemuInstance instance in seen)
            instance.EndLook();
        Volatile.Write(ref _trustSeen, trust);
        Volatile.Write(ref _lookedAt, time.GetTimestamp());
        foreach (QemuInstance instance in _instances.ToArray())
        {
            bool isGone = instance.HasExited || IsSuperseded(instance, sightings);
            if (!isGone && !seen.Contains(instance) && !StaysKnown(instance))
            {
                bool isHidden = IsHidden(instance, trouble, denied);
                isPartial |= isHidden;
                isGone = !isHidden;
            }

            if (isGone)
            {
                _instances.Remove(instance);
                gone.Add(instance);
                _mustName = true;
            }
        }

        NoteTrouble(trouble, isPartial, denied, added);
        _lastLook = number;
        NoteCrowd(_processes.Crowd);
        _processes.Keep(_instances.Select(instance => instance.Process).OfType<QemuProcess>().ToHashSet());

        // What hangs is left out as long as it does: that it was so before says nothing of who is there.
        bool IsNews(string path) => !_wereDenied.Contains(path) || trouble.LeftOut.Contains(path);
    }

    // The same process runs something else now, and was found as that.
    private static bool IsSuperseded(QemuInstance instance, List<Sighting> sightings) => instance.Process is { } process
        && sightings.Exists(sighting => sighting.Process is { } other && other.Pid == process.Pid && other != process);

    // Nobody could look, or may not look any more where it was seen: that does not show that it is gone.
    private static bool IsHidden(QemuInstance instance, LookTrouble trouble, string[] denied) =>
        trouble.Failure is not null || Array.Exists(denied, path => IsOfAll(path) || instance.Concerns(path));

    private static bool IsOfAll(string path) =>
        path is "/proc" or UnixSocketDiag.Shown || path.StartsWith("/proc/self/", StringComparison.Ordinal);

    // The next call looks again; it is said once.
    private void NoteTrouble(LookTrouble trouble, bool isPartial, string[] denied, List<QemuInstance> added)
    {
        _trouble = trouble.Unanswered;
        LibvirtException? error = !isPartial && trouble.IsAnswered ? null
            : QmpErrors.CannotLook(trouble.Unanswered ?? new LookFailure(LookFailures.Denied, denied[0]));

        // Of a call that does not return it was said when it was left behind, and of a process that could not be looked at, then.
        if (error is not null && _lookError is null && isPartial)
            log.LookFailed(error);
        _lookError = error;

        // What is new was never seen otherwise.
        _wereDenied = !isPartial ? WithoutLeftOut(trouble)
            : trouble.IsDenied && added.Count > 0 ? _wereDenied.Union(WithoutLeftOut(trouble).Where(path => added.Exists(instance => instance.Concerns(path)))).ToHashSet()
            : _wereDenied;
        _mustLookAgain = isPartial || trouble.IsStuck;
    }

    private static IReadOnlySet<string> WithoutLeftOut(LookTrouble trouble) =>
        trouble.IsStuck ? trouble.Denied.Except(trouble.LeftOut).ToHashSet() : trouble.Denied;

    // Once for each user, and again when there are twice as many.
    private void NoteCrowd(StrangerCrowd crowd)
    {
        foreach (uint uid in _saidMore.Keys.Where(uid => !crowd.More.ContainsKey(uid)).ToArray())
            _saidMore.Remove(uid);
        foreach ((uint uid, int count) in crowd.More)
        {
            if (count < 2 * _saidMore.GetValueOrDefault(uid))
                continue;
            _saidMore[uid] = count;
            log.ProcessesNotShown(uid, count);
        }
    }

    /// <summary>Whoever finds nobody is not told that nobody is there, where the last look could not see all.</summary>
    private void ThrowIfUnseen()
    {
        if (_trouble is { } failure)
            throw QmpErrors.CannotLook(failure);

        // Nor where a QEMU's own name may stand in a file that nobody can read now.
        if (_known.Values.FirstOrDefault(static instance => instance.MayBeNamedByStuckFile) is { Process.Pid: var pid })
            throw QmpErrors.CannotLook(new LookFailure(HostLook.LeftOut, HostLook.PathsOf(pid)));
    }

    // Of one socket that was named, whose entry is away for a while, the QEMU stays known: its calls fail with the reason.
    private bool StaysKnown(QemuInstance instance) =>
        scopes is [SocketScope only] ? instance.IsKnown && !only.HasEntry() : instance.IsConnected;

    // Several scopes, or several sockets of a directory, may show the same process.
    private static List<Sighting> Merge(IEnumerable<Sighting> sightings)
    {
        Dictionary<QemuProcess, List<MonitorCandidate>> monitors = [];
        Dictionary<MonitorKey, QemuProcess?> keys = [];
        List<Sighting> merged = [];
        foreach (Sighting sighting in sightings)
        {
            List<MonitorCandidate> fresh = [.. sighting.Monitors.Select(monitor => Fresh(sighting, monitor)).OfType<MonitorCandidate>()];
            if (sighting.Process is not { } process)
            {
                if (fresh.Count > 0)
                    merged.Add(sighting with { Monitors = fresh });
            }
            else if (monitors.TryGetValue(process, out List<MonitorCandidate>? known))
            {
                known.AddRange(fresh);
            }
            else
            {
                monitors[process] = fresh;
                merged.Add(sighting with { Monitors = fresh });
            }
        }

        return merged;

        // Of two that were given one listening socket, which of them accepts is chance.
        MonitorCandidate? Fresh(Sighting sighting, MonitorCandidate monitor)
        {
            if (monitor.Endpoint is not { } endpoint || keys.TryAdd(endpoint.Key, sighting.Process))
                return monitor;
            return sighting.Process is { } process && keys[endpoint.Key] is { } first && first != process
                ? MonitorCandidate.Refused(() => QmpErrors.ListensToo(endpoint.Name, process.Pid, first.Pid))
                : null;
        }
    }

    private QemuInstance? Known(Sighting sighting) => sighting.Process is { } process
        ? _instances.Find(instance => instance.Process == process)
            ?? _instances.Find(instance => instance.Process is null && Keys(sighting).Any(instance.Knows))
        : _instances.Find(instance => Keys(sighting).Any(instance.Knows));

    private static IEnumerable<MonitorKey> Keys(Sighting sighting) =>
        sighting.Monitors.Where(monitor => monitor.Endpoint is not null).Select(monitor => monitor.Endpoint!.Key);
}
