using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>
/// Every QEMU of this host. What is found is listed, whether it may be asked or not; monitors that belong to a manager are
/// left alone, and so are those whose QEMU waits for its controller.
/// </summary>
internal sealed class HostScope(QemuTrust trust, MonitorManagers managers) : IQemuScope
{
    // Those that somebody was seen to be connected to: their QEMU waits no more.
    private readonly HashSet<MonitorKey> _wereHeld = [];
    private volatile QemuTrust _trust = trust;
    private volatile MonitorManagers _managers = managers;

    public bool MayHaveChanged() => true;

    /// <summary>From the next look on.</summary>
    public void Retrust(QemuTrust newTrust, MonitorManagers newManagers)
    {
        _trust = newTrust;
        _managers = newManagers;
    }

    // A process's own command line says that it is a monitor.
    public bool Disregard(MonitorKey key, bool isCertain) => true;

    public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes)
    {
        QemuTrust trusted = _trust;
        foreach (QemuProcess process in processes.Look(view, trusted.Trusts, trusted.Refuse))
        {
            if (processes.Apart(process.Pid, () => Look(process, trusted, view, processes), failure => Unseen(process, failure)) is { } sighting)
                yield return sighting;
        }
    }

    private Sighting? Look(QemuProcess process, QemuTrust trusted, HostView view, QemuProcesses processes)
    {
        if (process.IsHelper || processes.IsWrapper(process, view) || process.Uid is not { } uid)
            return null;
        string? distrust = trusted.Refuse(process, uid);
        if ((distrust is null && !process.Believe()) || process.IsLaunching(view))
            return null;
        IReadOnlyList<MonitorCandidate> monitors = distrust is null
            ? Monitors(process, uid, view, processes.Listeners)
            : [NotTrusted(process, uid, distrust)];
        return new Sighting(process, distrust, uid, monitors);
    }

    // It is there: that it is missing in lists would say otherwise.
    private static Sighting? Unseen(QemuProcess process, LookFailure failure) => process.Uid is { } uid
        ? new Sighting(process, null, uid, [MonitorCandidate.Refused(() => QmpErrors.CannotLook(failure))])
        : null;

    // A connection that stands ends with its user's trust; it does not end because somebody moved the program's file since.
    private MonitorCandidate NotTrusted(QemuProcess process, uint uid, string distrust) => _trust.Trusts(uid)
        ? MonitorCandidate.Refused(() => QmpErrors.NotTrusted($"qemu-{process.Pid}", distrust))
        : MonitorCandidate.Forbidden(() => QmpErrors.NotTrusted($"qemu-{process.Pid}", distrust), static _ => true);

    private List<MonitorCandidate> Monitors(QemuProcess process, uint uid, HostView view, KnownListeners listeners)
    {
        string name = process.CommandLine.Name ?? $"qemu-{process.Pid}";
        List<MonitorCandidate> candidates = [];
        foreach (MonitorSocket monitor in process.CommandLine.Monitors)
        {
            string? path = monitor.Kind == MonitorKind.Unix ? process.CommandLine.AbsolutePath(monitor) ?? monitor.Path : null;
            if (_managers.Of(path, monitor.ChardevId, process.CommandLine.Name) is { } manager)
                candidates.Add(MonitorCandidate.Forbidden(() => QmpErrors.Managed(name, manager), endpoint => endpoint.Name == monitor.Path || endpoint.BoundName == monitor.Path));
            else if (monitor.Kind is not (MonitorKind.Unix or MonitorKind.PassedDescriptor))
                candidates.Add(MonitorCandidate.Refused(() => QmpErrors.NotUnix(name, monitor.Address ?? "something else than a unix socket")));
            else
                candidates.Add(Unmanaged(MonitorLocator.Locate(process, uid, monitor, view, listeners), monitor, process, view));
        }

        if (candidates.Count == 0)
            candidates.Add(MonitorCandidate.Refused(() => QmpErrors.NoMonitor(
                name, process.CommandLine.UnreadConfiguration is { } unread ? DisplayText.Escape(unread) : null)));
        return candidates;
    }

    // The command line may say it otherwise: by a path that is relative to where QEMU was once, by a link, or by a descriptor.
    private MonitorCandidate Unmanaged(MonitorCandidate candidate, MonitorSocket monitor, QemuProcess process, HostView view)
    {
        foreach (string? place in (string?[])[candidate.Endpoint?.EntryPlace, candidate.Endpoint?.BoundName])
        {
            if (place is not null && place != monitor.Path && _managers.Of(place, monitor.ChardevId, process.CommandLine.Name) is { } manager)
                return MonitorCandidate.Forbidden(
                    () => QmpErrors.Managed(process.CommandLine.Name ?? $"qemu-{process.Pid}", manager), endpoint => endpoint.Key == candidate.Endpoint!.Key);
        }

        return WithoutDisturbing(candidate, monitor, view);
    }

    // A QEMU that waits starts its guest for whoever connects first.
    private MonitorCandidate WithoutDisturbing(MonitorCandidate candidate, MonitorSocket monitor, HostView view)
    {
        if (!monitor.WaitsForClient || candidate.Endpoint is not { } endpoint)
            return candidate;
        bool wasHeld = _wereHeld.Contains(endpoint.Key);
        if (!wasHeld && endpoint.Place is { } place && view.ClientsOf(endpoint.Key.File, place, view.SocketsOf(endpoint.Owner!.Pid)) is { Count: > 0 })
            wasHeld = _wereHeld.Add(endpoint.Key);
        return wasHeld ? candidate : MonitorCandidate.Refused(() => QmpErrors.WaitsForController(endpoint.Name));
    }
}
