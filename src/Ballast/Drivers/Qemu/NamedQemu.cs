using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>One named monitor and the QEMU that is behind it now; another one may be tomorrow.</summary>
internal sealed class NamedQemu : IQemuSource
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private volatile QemuDomain? _domain;
    private volatile QmpHello? _hello;

    public NamedQemu(string path, TimeProvider time)
    {
        _time = time;
        Monitor = MonitorRegistry.Acquire(RealPath.Of(path), time);
    }

    public QmpMonitor Monitor { get; }

    /// <summary>Looks who is there now.</summary>
    /// <exception cref="LibvirtException">Nobody was seen there yet, and this is why.</exception>
    public async ValueTask<QemuDomain?> LookAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await Monitor.EnsureConnectedAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException) when (_domain is { } known)
        {
            return known.HasExited ? null : known;
        }
        catch (LibvirtException) when (QemuDomain.FromCommandLine(Monitor) is { } found)
        {
            return _domain = found;
        }

        lock (_gate)
        {
            // Not by value: a QEMU that was started anew says the same as the one before.
            if (!ReferenceEquals(_hello, Monitor.Hello) || _domain is null)
            {
                // A new connection may lead to another QEMU, or to the same one under a better name. What the old one
                // keeps open is left to the finalizers of its handles: another call may be reading it.
                QmpHello? hello = Monitor.Hello;
                _domain = QemuDomain.FromMonitor(Monitor);
                _hello = hello;
            }
        }

        return _domain;
    }

    public async ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await LookAsync(timeout, cancellationToken).ConfigureAwait(false) is { HasExited: false } domain ? [domain] : [];
        }
        catch (LibvirtException) when (_domain is null or { HasExited: true })
        {
            return [];
        }
    }

    public QemuDomain? Find(Guid uuid) =>
        _domain is { } domain && domain.Identity.Uuid == uuid && Monitor.IsConnected && ReferenceEquals(_hello, Monitor.Hello)
            ? domain
            : null;

    public async ValueTask DisposeAsync()
    {
        await MonitorRegistry.ReleaseAsync(Monitor, _time).ConfigureAwait(false);
        _domain?.Dispose();
    }
}
