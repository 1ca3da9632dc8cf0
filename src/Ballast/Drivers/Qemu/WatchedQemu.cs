using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>One QEMU whose subscribers are told what happens to it: QEMU's events in libvirt's terms.</summary>
internal sealed class WatchedQemu : IMonitorListener, IDisposable
{
    private const int WatchdogDetail = 3, IOErrorDetail = 2, UserDetail = 0;

    private readonly DriverEventSinks _sinks;
    private readonly Action _lost;
    private QmpMonitor? _monitor;
    private RunState? _state;
    private ulong? _actualBytes;
    private int _stopDetail;
    private bool _isShuttingDown;

    public WatchedQemu(QemuDomain domain, bool isNew, DriverEventSinks sinks, Action lost)
    {
        // Of a new one it was said that it started: that it does not run is news.
        _state = isNew ? RunState.Running : null;
        _sinks = sinks;
        _lost = lost;
        Identity = domain.Identity;
        Update(domain);
    }

    public DomainIdentity Identity { get; private set; }

    /// <summary>It is the same QEMU, perhaps under a better name or at another monitor.</summary>
    public void Update(QemuDomain domain)
    {
        Identity = domain.Identity;
        if (_monitor == domain.MonitorOrNull)
            return;
        _monitor?.Detach(this);
        _monitor = domain.MonitorOrNull;
        _monitor?.Attach(this);
    }

    public void PublishStopped()
    {
        const int shutdown = 0, failed = 5;
        Publish(DomainLifecycleChange.Stopped, _isShuttingDown ? shutdown : failed);
    }

    public void Dispose() => _monitor?.Detach(this);

    // What changed while there was no connection is made up for; nothing is said of how it was at first.
    void IMonitorListener.Connected(RunState state, ulong? actualBytes)
    {
        if (_state is { } before && Kind(before) != Kind(state))
            Publish(Kind(state), 0);
        _state = state;
        if (_actualBytes is not null && actualBytes is { } actual && actual != _actualBytes)
            PublishBalloon(actual);
        _actualBytes = actualBytes;
    }

    void IMonitorListener.Happened(MonitorEvent happened)
    {
        switch (happened)
        {
            case MonitorEvent.Stop:
                // QEMU stops its processors when it shuts down, panics or suspends too: that was told already.
                if (!_isShuttingDown && _state is not (RunState.GuestPanicked or RunState.Suspended))
                    Change(RunState.Paused, DomainLifecycleChange.Suspended, _stopDetail);
                _stopDetail = UserDetail;
                break;
            case MonitorEvent.Resume:
                _isShuttingDown = false;
                Change(RunState.Running, DomainLifecycleChange.Resumed, 0);
                break;
            case MonitorEvent.Reset:
                _sinks.Publish(DriverEvent.Reboot(Identity));
                break;
            case MonitorEvent.GuestShutdown:
            case MonitorEvent.HostShutdown:
                const int guest = 1, host = 2;
                _isShuttingDown = true;
                Publish(DomainLifecycleChange.Shutdown, happened == MonitorEvent.GuestShutdown ? guest : host);
                break;
            case MonitorEvent.Suspend:
            case MonitorEvent.SuspendDisk:
                const int memory = 0, disk = 1;
                Change(RunState.Suspended, DomainLifecycleChange.PMSuspended, happened == MonitorEvent.Suspend ? memory : disk);
                break;
            case MonitorEvent.Wakeup:
                const int wakeup = 4;
                Change(RunState.Running, DomainLifecycleChange.Started, wakeup);
                break;
            case MonitorEvent.GuestPanicked:
                Change(RunState.GuestPanicked, DomainLifecycleChange.Crashed, 0);
                break;
            case MonitorEvent.WatchdogPause:
                _stopDetail = WatchdogDetail;
                break;
            case MonitorEvent.IOErrorStop:
                _stopDetail = IOErrorDetail;
                break;
            case MonitorEvent.None:
            default:
                break;
        }
    }

    void IMonitorListener.BalloonChanged(ulong actualBytes)
    {
        _actualBytes = actualBytes;
        PublishBalloon(actualBytes);
    }

    void IMonitorListener.Lost() => _lost();

    private static DomainLifecycleChange Kind(RunState state) => state switch
    {
        RunState.Running => DomainLifecycleChange.Resumed,
        RunState.Suspended => DomainLifecycleChange.PMSuspended,
        RunState.GuestPanicked => DomainLifecycleChange.Crashed,
        _ => DomainLifecycleChange.Suspended,
    };

    private void Change(RunState state, DomainLifecycleChange change, int detail)
    {
        _state = state;
        Publish(change, detail);
    }

    private void Publish(DomainLifecycleChange change, int detail) =>
        _sinks.Publish(DriverEvent.Lifecycle(Identity, change, detail));

    private void PublishBalloon(ulong actualBytes) =>
        _sinks.Publish(DriverEvent.BalloonChange(Identity, (actualBytes / 1024) + (actualBytes % 1024 == 0 ? 0u : 1u)));
}
