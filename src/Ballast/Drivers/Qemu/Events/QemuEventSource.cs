using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Events;

/// <summary>One QEMU whose subscribers are told what happens to it: QEMU's events in libvirt's terms.</summary>
internal sealed class QemuEventSource : IMonitorListener, IDisposable
{
    private readonly QemuEventQueue _queue;
    private readonly EventPace _pace;
    private readonly Action _lost;
    private readonly QemuInstance _instance;
    private QmpMonitor? _monitor;
    private DomainState? _state;
    private ulong? _actualBytes;

    public QemuEventSource(QemuDomain domain, bool isNew, QemuEventQueue queue, Action lost)
    {
        // Of a new one it was said that it started: that it does not run is news.
        _state = isNew ? DomainState.Running : null;
        _queue = queue;
        _pace = queue.NewPace();
        _lost = lost;
        _instance = domain.Instance;
        Identity = domain.Identity;
        if (isNew)
            Publish(new LifeStep(DomainLifecycleChange.Started, 0));
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

    /// <summary>Its QEMU is gone: tells what it said at last, and that it stopped.</summary>
    public async Task EndAsync()
    {
        if (_monitor is { } monitor)
            await _instance.HearOutAsync(monitor).ConfigureAwait(false);
        Dispose();
        int why = _state == DomainState.Shutdown ? DomainLifecycleDetails.Stopped.Shutdown : DomainLifecycleDetails.Stopped.Failed;
        _queue.Put(_pace, DriverEvent.Lifecycle(Identity, DomainLifecycleChange.Stopped, why), isLast: true);
    }

    public void Dispose() => _monitor?.Detach(this);

    // What changed while there was no connection is made up for; nothing is said of how it was at first.
    void IMonitorListener.Connected(DomainStateInfo state, ulong? actualBytes)
    {
        if (_state is { } before && before != state.State)
            Publish(RunHistory.StepTo(state));
        _state = state.State;
        if (_actualBytes is not null && actualBytes is { } actual && actual != _actualBytes)
            PublishBalloon(actual);
        _actualBytes = actualBytes;
    }

    void IMonitorListener.Lived(LifeStep step, DomainStateInfo state)
    {
        _state = state.State;
        Publish(step);
    }

    void IMonitorListener.WasReset() => _queue.Put(_pace, DriverEvent.Reboot(Identity));

    void IMonitorListener.BalloonChanged(ulong actualBytes)
    {
        _actualBytes = actualBytes;
        PublishBalloon(actualBytes);
    }

    void IMonitorListener.Lost() => _lost();

    private void Publish(LifeStep step) => _queue.Put(_pace, DriverEvent.Lifecycle(Identity, step.Change, step.Detail));

    private void PublishBalloon(ulong actualBytes) =>
        _queue.Put(_pace, DriverEvent.BalloonChange(Identity, (actualBytes / 1024) + (actualBytes % 1024 == 0 ? 0u : 1u)));
}
