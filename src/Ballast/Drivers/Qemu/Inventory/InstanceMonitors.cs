using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>The monitors of one QEMU: those that looks have found, and those of them that this process uses.</summary>
/// <param name="gate">The instance's lock, under which all of it changes.</param>
/// <param name="time">The clock of the monitors.</param>
/// <param name="log">Who is told what happens to them.</param>
internal sealed class InstanceMonitors(Lock gate, TimeProvider time, ConnectionLog log)
{
    private readonly Dictionary<MonitorKey, (QmpMonitor Monitor, bool IsNamed)> _acquired = [];

    // Its sockets that a look has not shown yet: each look begins with one.
    private readonly HashSet<MonitorKey> _others = [];
    private IReadOnlyList<MonitorCandidate> _found = [];
    private bool _isReleased;

    /// <summary>Where they are.</summary>
    public IEnumerable<MonitorEndpoint> Endpoints => _found.Select(candidate => candidate.Endpoint).OfType<MonitorEndpoint>();

    /// <summary>The keys of their sockets.</summary>
    public IEnumerable<MonitorKey> Keys => Endpoints.Select(endpoint => endpoint.Key);

    /// <summary>Those that may be connected to, in the order in which they are tried.</summary>
    public MonitorCandidate[] Usable
    {
        get
        {
            lock (gate)
                return [.. _found.Where(candidate => candidate.Endpoint is not null)];
        }
    }

    /// <summary>Why one of them must not be asked; null where nobody forbids any.</summary>
    public Func<LibvirtException>? Refusal => _found.FirstOrDefault(candidate => candidate.Refusal is not null)?.Refusal;

    /// <summary>Why none of them is connected to just now, because all misbehaved; null where one may be.</summary>
    public LibvirtException? ReasonToPause
    {
        get
        {
            List<QmpMonitor?> monitors = [];
            lock (gate)
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

    /// <summary>Who let us connect and then said nothing; null where nobody did.</summary>
    public UnixSocketPeer? MetPeer
    {
        get
        {
            lock (gate)
                return _acquired.Values.Select(acquired => acquired.Monitor.Met).FirstOrDefault(met => met is not null);
        }
    }

    /// <summary>What a look has found of them.</summary>
    public void Find(IReadOnlyList<MonitorCandidate> found)
    {
        lock (gate)
            _found = found;
    }

    /// <summary>What a look has found of them besides.</summary>
    public void FindMore(IReadOnlyList<MonitorCandidate> found)
    {
        lock (gate)
            _found = [.. _found, .. found.Where(monitor => monitor.Endpoint is { } endpoint && _others.Contains(endpoint.Key))];
    }

    /// <summary>Those of another instance turned out to be the same QEMU's.</summary>
    public void Absorb(InstanceMonitors same)
    {
        lock (gate)
        {
            _found = [.. _found, .. same._found.Where(candidate => candidate.Endpoint is { } other && !Keys.Contains(other.Key))];
            _others.UnionWith(Keys);
        }
    }

    /// <summary>Takes those of an instance in whose place this one comes.</summary>
    public void Inherit(InstanceMonitors earlier) => Find(earlier._found);

    /// <summary>Whether a socket is one of theirs, also where the look under way has shown another of them already.</summary>
    public bool Knows(MonitorKey key)
    {
        lock (gate)
            return _others.Contains(key) || Keys.Contains(key);
    }

    /// <summary>The look is over: a socket that it did not show is another one's, should its number come again.</summary>
    public void EndLook()
    {
        lock (gate)
            _others.IntersectWith(Keys);
    }

    /// <summary>It was found who is behind them.</summary>
    public void AddOwner(QemuProcess process)
    {
        lock (gate)
        {
            foreach (MonitorEndpoint endpoint in Endpoints)
                endpoint.AddOwner(process, isProven: true);
            foreach ((QmpMonitor monitor, _) in _acquired.Values)
                monitor.Endpoint.AddOwner(process, isProven: true);
        }
    }

    /// <summary>Whether a process that listens at one of them was told to by its own command line, as a QEMU for its monitor.</summary>
    public bool AreBoundBy(QemuProcess process)
    {
        lock (gate)
            return _acquired.Values.Any(acquired => process.Binds(acquired.Monitor.Endpoint.BoundName));
    }

    /// <summary>Whether a path leads to one of them, or is one.</summary>
    public bool LieBelow(string path) =>
        _found.Any(candidate => candidate.Endpoint?.Name is { } name && name.StartsWith(path, StringComparison.Ordinal)
            && (name.Length == path.Length || path.EndsWith('/') || name[path.Length] == '/'));

    /// <summary>Whether a monitor must not be used any more.</summary>
    public bool Forbid(QmpMonitor monitor)
    {
        lock (gate)
            return _found.Any(candidate => candidate.Forbids?.Invoke(monitor.Endpoint) == true) && !Keys.Contains(monitor.Endpoint.Key);
    }

    /// <summary>Who is served by the first of them; null where nobody is.</summary>
    public LibvirtException? FindHolder()
    {
        MonitorEndpoint? first;
        lock (gate)
        {
            first = Endpoints.FirstOrDefault();
            if (first is not null && _acquired.TryGetValue(first.Key, out (QmpMonitor Monitor, bool IsNamed) acquired))
                first = acquired.Monitor.Endpoint;
        }

        return first is { } endpoint && endpoint.FindServed() is { Count: > 0 } others
            ? QmpErrors.HeldBy(endpoint.Name, SocketHolder.Describe(others))
            : null;
    }

    /// <summary>The first of them, to be used; null where there is none, or they were given back.</summary>
    public QmpMonitor? AcquireFirst()
    {
        lock (gate)
            return _found.FirstOrDefault(candidate => candidate.Endpoint is not null) is { } first ? Acquire(first) : null;
    }

    /// <summary>One of them, to be used; null where they were given back.</summary>
    public QmpMonitor? Acquire(MonitorCandidate candidate)
    {
        lock (gate)
        {
            if (_isReleased)
                return null;
            MonitorKey key = candidate.Endpoint!.Key;
            if (!_acquired.TryGetValue(key, out (QmpMonitor Monitor, bool IsNamed) acquired))
                _acquired[key] = acquired = (MonitorRegistry.Acquire(candidate.Endpoint, candidate.IsNamed, time, log), candidate.IsNamed);
            return acquired.Monitor;
        }
    }

    /// <summary>Gives those back that are used; none is acquired any more.</summary>
    /// <param name="isGone">Whether the QEMU is gone, rather than the connection closed.</param>
    /// <param name="hearOut">Waits for the last words of a QEMU that is gone.</param>
    public async ValueTask ReleaseAsync(bool isGone, Func<QmpMonitor, Task> hearOut)
    {
        (QmpMonitor Monitor, bool IsNamed)[] acquired;
        lock (gate)
        {
            _isReleased = true;
            acquired = [.. _acquired.Values];
            _acquired.Clear();
        }

        foreach ((QmpMonitor monitor, bool isNamed) in acquired)
        {
            if (isGone)
                await hearOut(monitor).ConfigureAwait(false);
            await MonitorRegistry.ReleaseAsync(monitor, isNamed, isGone, time, log).ConfigureAwait(false);
        }
    }
}
