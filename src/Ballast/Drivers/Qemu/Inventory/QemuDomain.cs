using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>One QEMU process and what is remembered about it between calls.</summary>
internal sealed class QemuDomain
{
    private static readonly TimeSpan SizesAreGood = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly QmpMonitor? _monitor;
    private readonly Func<LibvirtException>? _refusal;
    private readonly bool _maySlotMemory;
    private MemorySizes? _sizes;
    private int? _cpus;
    private long _sizesLearnedAt;

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
        if (instance.Distrust is null && Process?.CommandLine is { } said)
        {
            _maySlotMemory = said.HasMemorySlots;
            _sizes = said.MemoryKiB is { Certainty: not Certainty.BeforeUnread, Value: var kib } ? new MemorySizes(kib, kib, 0) : null;
            _cpus = said.VirtualCpus is { Certainty: not Certainty.BeforeUnread, Value: var cpus } ? cpus : null;
        }
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

    /// <summary>The monitor to ask, for what is asked of this QEMU and no other.</summary>
    /// <exception cref="LibvirtException">It must not be asked, and this is why.</exception>
    public AskedMonitor Asked => new(Monitor, Instance.IsMeant);

    /// <summary>Asks this QEMU, and no other that answers at its socket since.</summary>
    /// <inheritdoc cref="QmpMonitor.QueryAsync(MonitorParts, TimeSpan, CancellationToken)"/>
    public ValueTask<MonitorValues> QueryAsync(MonitorParts parts, TimeSpan timeout, CancellationToken cancellationToken) =>
        QueryAsync(parts, timeout, runsInline: false, cancellationToken);

    /// <inheritdoc cref="QueryAsync(MonitorParts, TimeSpan, CancellationToken)"/>
    public ValueTask<MonitorValues> QueryAsync(MonitorParts parts, TimeSpan timeout, bool runsInline, CancellationToken cancellationToken) =>
        Monitor.QueryAsync(parts, timeout, Instance.IsMeant, runsInline, cancellationToken);

    /// <summary>Whether QEMU is known to be gone.</summary>
    public bool HasExited => Process is { HasExited: true };

    /// <summary>What must be asked to know its sizes: no event tells of memory that is plugged.</summary>
    /// <remarks>virtio-mem that is empty shows in no sum, so where there may be some its devices are asked for themselves.</remarks>
    public MonitorParts SizeParts =>
        MonitorParts.Balloon | MonitorParts.MemorySize | (_maySlotMemory ? MonitorParts.MemoryDevices : MonitorParts.None);

    /// <summary>The sizes of its memory, as last heard; null where nobody said.</summary>
    public MemorySizes? Sizes
    {
        get
        {
            lock (_gate)
                return _sizes;
        }
    }

    /// <summary>The most memory, as last heard; null where nobody said.</summary>
    public ulong? MaxMemoryKiB => Sizes?.MaximumKiB;

    /// <summary>
    /// The memory it has now, as libvirt keeps it: the balloon's size, as its last answer or event told it, and what the guest
    /// has of virtio-mem, which no balloon counts. Sizes are whole pages, so that libvirt's different rounding of answers and
    /// events does not show. Without a balloon it is all. Null where nobody said, or what was said cannot be true.
    /// </summary>
    public ulong? CurrentKiB
    {
        get
        {
            MemorySizes? sizes = Sizes;
            if (_monitor?.ActualBytes is { } bytes)
                return ((bytes + 1023) / 1024) + (sizes?.VirtioMemKiB ?? 0);

            // Only who was connected can tell that there is no balloon.
            return _monitor is { Balloon: null, Epoch.Connection: not 0 } ? sizes?.MaximumKiB : null;
        }
    }

    /// <summary>How many virtual processors it has, as last heard, or as its command line says; 0 where nobody said.</summary>
    public int VirtualCpus
    {
        get
        {
            lock (_gate)
                return _cpus ?? 0;
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
        _sizes = before.Sizes ?? _sizes;
        _cpus = before.VirtualCpus is > 0 and var cpus ? cpus : _cpus;
    }

    public void Learn(in MonitorValues values, TimeProvider time)
    {
        lock (_gate)
        {
            if (values.Cpus > 0)
                _cpus = values.Cpus;
            if (values.Has(MonitorParts.MemorySize))
                _sizes = MemorySizes.Of(values);
        }

        if (values.Has(MonitorParts.MemorySize))
            Volatile.Write(ref _sizesLearnedAt, time.GetTimestamp());
    }

    /// <summary>Whether its sizes were heard so recently that they need not be asked for again; plugging memory changes them.</summary>
    public bool KnowsSizes(TimeProvider time) =>
        Volatile.Read(ref _sizesLearnedAt) is var learnedAt and not 0 && time.GetElapsedTime(learnedAt) < SizesAreGood;
}
