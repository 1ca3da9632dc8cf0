using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>One QEMU process and what is remembered about it between calls.</summary>
internal sealed class QemuDomain
{
    private static readonly TimeSpan MaximumIsGood = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly QmpMonitor? _monitor;
    private readonly Func<LibvirtException>? _refusal;
    private ulong? _maxMemoryKiB;
    private long _maximumLearnedAt;

    public QemuDomain(QemuInstance instance, QmpMonitor monitor)
        : this(instance) => _monitor = monitor;

    /// <summary>A QEMU that is known, but must not be asked.</summary>
    public QemuDomain(QemuInstance instance, Func<LibvirtException> refusal)
        : this(instance) => _refusal = refusal;

    private QemuDomain(QemuInstance instance)
    {
        Instance = instance;
        Identity = instance.Identity;
        Process = instance.Process;
        _maxMemoryKiB = instance.Distrust is null ? Process?.CommandLine.MemoryKiB : null;
    }

    /// <summary>The QEMU, whatever it is called and whichever of its monitors is used.</summary>
    public QemuInstance Instance { get; }

    public DomainIdentity Identity { get; }

    /// <summary>The monitor to ask.</summary>
    /// <exception cref="LibvirtException">It must not be asked, and this is why.</exception>
    public QmpMonitor Monitor => Obstacle is null ? _monitor ?? throw _refusal!() : throw Obstacle;

    /// <summary>Why its monitor could not be reached just now; whoever was told so need not wait for it once more.</summary>
    public LibvirtException? Obstacle { get; private init; }

    /// <summary>The monitor, or null where it must not be asked.</summary>
    public QmpMonitor? MonitorOrNull => _monitor;

    /// <summary>Null where no process could be shown to be the one behind the monitor.</summary>
    public QemuProcess? Process { get; }

    /// <summary>Whether QEMU is known to be gone.</summary>
    public bool HasExited => Process is { HasExited: true };

    /// <summary>The most memory, as last heard; null where nobody said.</summary>
    public ulong? MaxMemoryKiB
    {
        get
        {
            lock (_gate)
                return _maxMemoryKiB;
        }
    }

    /// <summary>QEMU before 7.2 cannot be asked whether a driver is bound.</summary>
    public bool CannotTellDriver { get; set; }

    /// <summary>The same for a caller whose attempt to reach it failed.</summary>
    public QemuDomain Unreachable(LibvirtException obstacle)
    {
        QemuDomain unreachable = _monitor is { } monitor
            ? new QemuDomain(Instance, monitor) { Obstacle = obstacle }
            : new QemuDomain(Instance, _refusal!) { Obstacle = obstacle };
        unreachable.Remember(this);
        return unreachable;
    }

    /// <summary>What was learned when the QEMU had another name or monitor.</summary>
    public void Remember(QemuDomain? before)
    {
        if (before is null)
            return;
        CannotTellDriver = before.CannotTellDriver;
        _maxMemoryKiB = before.MaxMemoryKiB ?? _maxMemoryKiB;
    }

    public void Learn(in MonitorValues values, TimeProvider time)
    {
        if (!values.Has(MonitorParts.MemorySize))
            return;
        lock (_gate)
            _maxMemoryKiB = values.MemoryBytes / 1024;
        Volatile.Write(ref _maximumLearnedAt, time.GetTimestamp());
    }

    /// <summary>Whether the maximum was heard so recently that it need not be asked for again; plugging memory changes it.</summary>
    public bool KnowsMaximum(TimeProvider time) =>
        Volatile.Read(ref _maximumLearnedAt) is var learnedAt and not 0 && time.GetElapsedTime(learnedAt) < MaximumIsGood;
}
