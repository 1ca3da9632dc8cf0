namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// What can be asked of a monitor in one write. Questions are sent, and answered, in the order of their bits, so that no
/// <c>id</c> is needed to tell the replies apart.
/// </summary>
[Flags]
internal enum MonitorParts
{
    None = 0,
    GuestStats = 1,
    Balloon = 2,
    PollingInterval = 4,
    Status = 8,
    Cpus = 16,
    MemorySize = 32,
    VirtioStatus = 64,
    StatsQueue = 128,
    CpuSlots = 256,
    MemoryDevices = 512,
    OffersDeflate = 1024,
}

/// <summary>QEMU's run states.</summary>
internal enum RunState
{
    Unknown,
    Running,
    Paused,
    Prelaunch,
    InMigrate,
    PostMigrate,
    FinishMigrate,
    SaveVM,
    RestoreVM,
    Debug,
    InternalError,
    IOError,
    Watchdog,
    Shutdown,
    GuestPanicked,
    Suspended,
    Colo,
}

/// <summary>A virtual processor: its number, and the id of its thread, 0 where QEMU does not tell.</summary>
internal readonly record struct QmpCpu(int Index, int ThreadId);

/// <summary>The sizes of the memory devices of a guest, in bytes.</summary>
/// <param name="DimmBytes">Of its DIMMs.</param>
/// <param name="VirtioMemBytes">What the guest has now of its virtio-mem devices.</param>
/// <param name="VirtioMemMaxBytes">What it could have of them.</param>
internal readonly record struct MemoryDeviceSizes(ulong DimmBytes, ulong VirtioMemBytes, ulong VirtioMemMaxBytes);

/// <summary>The answers to one query; a value counts only where its part is in <see cref="Answered"/>.</summary>
internal struct MonitorValues
{
    /// <summary>Counts the answers of all monitors: of one QEMU's, the higher is the later.</summary>
    public long Number;

    /// <summary>The connection that they came over; no two have the same number.</summary>
    public long Connection;

    /// <summary>When QEMU last told of a reset over that connection; null: not yet.</summary>
    public DateTimeOffset? LastReset;

    /// <summary>When QEMU last told over that connection that the balloon had moved; null: not yet.</summary>
    public DateTimeOffset? LastMove;

    public MonitorParts Answered;

    /// <summary>The balloon's size; null also where it was told and cannot be true.</summary>
    public ulong? ActualBytes;
    public GuestStats GuestStats;
    public uint PollingIntervalSeconds;
    public RunState RunState;
    public bool IsRunning;

    /// <summary>The run state and what led to it, in libvirt's terms.</summary>
    public DomainStateInfo State;
    public QmpCpu[]? CpuList;

    /// <summary>How many processors there can be; machines whose processors cannot be plugged do not tell.</summary>
    public int CpuSlots;

    /// <summary>The memory at the start, and what was plugged since: of virtio-mem, what the guest has of it now.</summary>
    public ulong MemoryBytes, PluggedBytes;

    /// <summary>What was plugged, by its kinds.</summary>
    public MemoryDeviceSizes MemoryDevices;

    /// <summary>The guest's driver has set DRIVER_OK.</summary>
    public bool IsDriverBound;

    /// <summary>The guest's driver took the feature "deflate on OOM": its guest sees all its memory whatever the balloon holds.</summary>
    public bool DeflatesOnOom;

    /// <summary>The device offers that feature, which every Linux driver takes then.</summary>
    public bool OffersDeflate;

    /// <summary>QEMU before 7.2 has no command that tells.</summary>
    public bool LacksVirtioStatus;

    /// <summary>Counts, modulo 65536, what the guest has put into the statistics queue.</summary>
    public ushort StatsQueueIndex;

    public QmpError? BalloonError;
    public QmpError? GuestStatsError;

    /// <summary>As libvirt counts the most memory: of virtio-mem all that the guest could have.</summary>
    public readonly ulong MaximumBytes => MemoryBytes + PluggedBytes - Math.Min(MemoryDevices.VirtioMemBytes, PluggedBytes) + MemoryDevices.VirtioMemMaxBytes;

    /// <summary>As the balloon counts its guest's memory when it is empty: without virtio-mem.</summary>
    public readonly ulong WithoutBalloonBytes => Has(MonitorParts.MemoryDevices) ? MemoryBytes + MemoryDevices.DimmBytes : MemoryBytes + PluggedBytes;

    public readonly int Cpus => CpuList?.Length ?? 0;

    /// <summary>How many processors there can be: as many as there are, if none can be plugged.</summary>
    public readonly int MaxCpus => Math.Min(Math.Max(CpuSlots, Cpus), QmpLimits.MaxCpuSlots);

    /// <summary>The state to show: none, if it was not answered.</summary>
    public readonly DomainStateInfo StateOrNone => Has(MonitorParts.Status) ? State : new(DomainState.NoState, 0);

    public readonly bool IsActualRejected => Has(MonitorParts.Balloon) && ActualBytes is null;

    public readonly bool Has(MonitorParts part) => (Answered & part) != 0;
}
