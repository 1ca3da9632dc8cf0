using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>One QEMU process and what is remembered about it between calls.</summary>
internal sealed class QemuDomain : IDisposable
{
    private static readonly TimeSpan MaximumIsGood = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly ulong[] _lastCounters = new ulong[GuestStats.Count];
    private long _lastAnswer;
    private bool _wentBackwards;
    private readonly QmpMonitor? _monitor;
    private readonly Func<LibvirtException>? _refusal;
    private ulong? _maxMemoryKiB;
    private long _maximumLearnedAt;

    public QemuDomain(DomainIdentity identity, QemuProcess? process, QmpMonitor monitor)
    {
        Identity = identity;
        Process = process;
        _maxMemoryKiB = process?.CommandLine.MemoryKiB;
        _monitor = monitor;
    }

    /// <summary>A QEMU that is known, but must not be asked.</summary>
    public QemuDomain(DomainIdentity identity, QemuProcess process, Func<LibvirtException> refusal)
    {
        Identity = identity;
        Process = process;
        _maxMemoryKiB = process.CommandLine.MemoryKiB;
        _refusal = refusal;
    }

    public DomainIdentity Identity { get; }

    /// <summary>The monitor to ask.</summary>
    /// <exception cref="LibvirtException">It must not be asked, and this is why.</exception>
    public QmpMonitor Monitor => _monitor ?? throw _refusal!();

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

    /// <summary>The QEMU behind a monitor that answered, from what it said and, where it said nothing, from its command line.</summary>
    public static QemuDomain FromMonitor(QmpMonitor monitor)
    {
        QmpHello hello = monitor.Hello!;
        QemuProcess? process = QemuProcess.Find(monitor.Peer.Pid, monitor.Path);
        Guid uuid = Guid.TryParse(hello.Uuid, out Guid said) ? said : Guid.Empty;
        return new QemuDomain(Identify(process, monitor.Peer.Pid, hello.Name, uuid), process, monitor);
    }

    /// <summary>A QEMU whose monitor does not answer, from its command line; null where no process names the monitor.</summary>
    public static QemuDomain? FromCommandLine(QmpMonitor monitor) =>
        QemuProcess.FindByCommandLine(monitor.Path) is { } process
            ? new QemuDomain(Identify(process, process.Pid, null, Guid.Empty), process, monitor)
            : null;

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

    /// <summary>
    /// Compares the guest's counters with those of the answer before, and keeps them for the next. Who shared an answer
    /// is told the same, and who comes late with an old one is not compared with a newer.
    /// </summary>
    public bool CountersWentBackwards(in MonitorValues values)
    {
        lock (_gate)
        {
            if (values.Number <= _lastAnswer)
                return values.Number == _lastAnswer && _wentBackwards;
            _lastAnswer = values.Number;
            _wentBackwards = false;
            for (int virtio = 0; virtio < GuestStats.Count; virtio++)
            {
                const int firstGauge = 4, lastGauge = 7;
                if (virtio is >= firstGauge and <= lastGauge || !values.GuestStats.TryGet(virtio, out ulong value))
                    continue;
                _wentBackwards |= value < _lastCounters[virtio];
                _lastCounters[virtio] = value;
            }

            return _wentBackwards;
        }
    }

    public void Dispose() => Process?.Dispose();

    internal static DomainIdentity Identify(QemuProcess? process, int peerPid, string? name, Guid uuid)
    {
        int pid = process?.Pid ?? peerPid;
        name = string.IsNullOrEmpty(name) ? process?.CommandLine.Name : name;
        if (uuid == Guid.Empty)
            uuid = process?.CommandLine.Uuid ?? process?.DeriveUuid() ?? DerivedUuid.From($"{pid}");
        return new DomainIdentity(string.IsNullOrEmpty(name) ? $"qemu-{pid}" : name, uuid, pid);
    }
}
