using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>
/// A monitor's socket and the QEMU that is behind it now; another one may be tomorrow. One per socket and process,
/// however many connections use it, because a monitor serves one client.
/// </summary>
internal sealed class MonitoredQemu
{
    private static readonly Lock RegistryLock = new();
    private static readonly Dictionary<(string Path, TimeProvider Time), MonitoredQemu> Registry = [];

    private readonly Lock _gate = new();
    private readonly (string Path, TimeProvider Time) _key;
    private volatile QemuDomain? _domain;
    private volatile QmpHello? _hello;
    private int _users;

    private MonitoredQemu((string Path, TimeProvider Time) key)
    {
        _key = key;
        Monitor = new QmpMonitor(key.Path, key.Time);
    }

    public QmpMonitor Monitor { get; }

    /// <summary>The QEMU as last seen; null before the first look.</summary>
    public QemuDomain? Domain => _domain;

    /// <summary>Whether <see cref="Domain"/> is who the present connection leads to.</summary>
    public bool IsCurrent => Monitor.IsConnected && ReferenceEquals(_hello, Monitor.Hello);

    /// <summary>The shared one for a socket; every <see cref="Acquire"/> needs a <see cref="ReleaseAsync"/>.</summary>
    public static MonitoredQemu Acquire(string path, TimeProvider time)
    {
        (string, TimeProvider) key = (RealPath.Of(path), time);
        lock (RegistryLock)
        {
            if (!Registry.TryGetValue(key, out MonitoredQemu? qemu))
                Registry[key] = qemu = new MonitoredQemu(key);
            qemu._users++;
            return qemu;
        }
    }

    public async ValueTask ReleaseAsync()
    {
        lock (RegistryLock)
        {
            if (--_users > 0)
                return;
            Registry.Remove(_key);
        }

        await Monitor.DisposeAsync().ConfigureAwait(false);
        _domain?.Dispose();
    }

    /// <summary>
    /// Looks who is there. A QEMU whose monitor cannot be asked is known by its command line; null where there is none,
    /// and then, if nobody was there before, the error says why.
    /// </summary>
    public async ValueTask<QemuDomain?> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await Monitor.EnsureConnectedAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException) when (_domain is { } known)
        {
            return known.HasExited ? null : known;
        }
        catch (LibvirtException) when (QemuDomain.FromCommandLine(Monitor.Path) is { } found)
        {
            return Replace(found);
        }

        lock (_gate)
        {
            // Not by value: a QEMU that was started anew says the same as the one before.
            if (!ReferenceEquals(_hello, Monitor.Hello) || _domain is null)
            {
                // A new connection may lead to another QEMU, or to the same one under a better name.
                QmpHello? hello = Monitor.Hello;
                QemuDomain domain = Replace(QemuDomain.FromMonitor(Monitor));
                _hello = hello;
                return domain;
            }
        }

        return _domain;
    }

    private QemuDomain Replace(QemuDomain domain)
    {
        // What the old one keeps open is left to the finalizers of its handles: another call may be reading it.
        _domain = domain;
        return domain;
    }
}
