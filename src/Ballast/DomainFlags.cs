namespace Ballast;

/// <summary>Which domains to list. Bits of one group are alternatives; groups restrict each other. Nothing: all domains.</summary>
[Flags]
public enum DomainListFilter : uint
{
    /// <summary>All domains.</summary>
    None = 0,

    /// <summary>Active ones.</summary>
    Active = 1,

    /// <summary>Inactive ones.</summary>
    Inactive = 2,

    /// <summary>Those with a persistent definition.</summary>
    Persistent = 4,

    /// <summary>Those without one.</summary>
    Transient = 8,

    /// <summary>Running ones.</summary>
    Running = 16,

    /// <summary>Paused ones.</summary>
    Paused = 32,

    /// <summary>Shut off ones.</summary>
    Shutoff = 64,

    /// <summary>Those in any other state.</summary>
    Other = 128,

    /// <summary>Those with a managed save image.</summary>
    ManagedSave = 256,

    /// <summary>Those without one.</summary>
    NoManagedSave = 512,

    /// <summary>Those that start with the host.</summary>
    Autostart = 1024,

    /// <summary>Those that do not.</summary>
    NoAutostart = 2048,

    /// <summary>Those with snapshots.</summary>
    HasSnapshot = 4096,

    /// <summary>Those without.</summary>
    NoSnapshot = 8192,

    /// <summary>Those with checkpoints.</summary>
    HasCheckpoint = 16384,

    /// <summary>Those without.</summary>
    NoCheckpoint = 32768,
}

/// <summary>What a change of a domain affects: libvirt's <c>virDomainModificationImpact</c>.</summary>
[Flags]
public enum DomainModificationImpact : uint
{
    /// <summary>The state the domain is in: live if it is active, its definition otherwise.</summary>
    Current = 0,

    /// <summary>The running domain.</summary>
    Live = 1,

    /// <summary>The persistent definition.</summary>
    Config = 2,
}

/// <summary>Groups of bulk statistics: libvirt's <c>virDomainStatsTypes</c>.</summary>
[Flags]
public enum DomainStatsGroups : uint
{
    /// <summary>All groups that the driver has.</summary>
    All = 0,

    /// <summary><c>state.state</c>, <c>state.reason</c>.</summary>
    State = 1,

    /// <summary><c>cpu.…</c></summary>
    CpuTotal = 2,

    /// <summary><c>balloon.…</c></summary>
    Balloon = 4,

    /// <summary><c>vcpu.…</c></summary>
    Vcpu = 8,

    /// <summary><c>net.…</c></summary>
    Interface = 16,

    /// <summary><c>block.…</c></summary>
    Block = 32,

    /// <summary><c>perf.…</c></summary>
    Perf = 64,

    /// <summary><c>iothread.…</c></summary>
    Iothread = 128,

    /// <summary><c>memory.…</c>: bandwidth, not the balloon.</summary>
    Memory = 256,

    /// <summary><c>dirtyrate.…</c></summary>
    DirtyRate = 512,

    /// <summary><c>vm.…</c></summary>
    Vm = 1024,
}

/// <summary>Flags of bulk statistics: libvirt's <c>virConnectGetAllDomainStatsFlags</c>.</summary>
[Flags]
public enum DomainStatsFlags : uint
{
    /// <summary>All domains.</summary>
    None = 0,

    /// <summary>Only active domains.</summary>
    Active = 1,

    /// <summary>Only inactive domains.</summary>
    Inactive = 2,

    /// <summary>Only domains with a persistent definition.</summary>
    Persistent = 4,

    /// <summary>Only domains without one.</summary>
    Transient = 8,

    /// <summary>Only running domains.</summary>
    Running = 16,

    /// <summary>Only paused domains.</summary>
    Paused = 32,

    /// <summary>Only domains that are shut off.</summary>
    Shutoff = 64,

    /// <summary>Only domains in any other state.</summary>
    Other = 128,

    /// <summary>A domain whose monitor is busy with an earlier question is not waited for: only what is known without asking is reported.</summary>
    NoWait = 1u << 29,

    /// <summary>Also the backing chain of block devices.</summary>
    Backing = 1u << 30,

    /// <summary>Fail if the driver does not have one of the groups asked for.</summary>
    EnforceStats = 1u << 31,
}

/// <summary>How a domain's XML is made: libvirt's <c>virDomainXMLFlags</c>.</summary>
[Flags]
public enum DomainXmlFlags : uint
{
    /// <summary>As it is now.</summary>
    None = 0,

    /// <summary>With secrets.</summary>
    Secure = 1,

    /// <summary>As it would be started next.</summary>
    Inactive = 2,

    /// <summary>With the processor as it would be started.</summary>
    UpdateCpu = 4,

    /// <summary>So that another host can take it.</summary>
    Migratable = 8,
}

/// <summary>How a guest is asked to shut down: libvirt's <c>virDomainShutdownFlagValues</c>.</summary>
[Flags]
public enum DomainShutdownFlags : uint
{
    /// <summary>As the hypervisor does.</summary>
    None = 0,

    /// <summary>By the power button.</summary>
    AcpiPowerButton = 1,

    /// <summary>By the guest agent.</summary>
    GuestAgent = 2,
}

/// <summary>How a domain is ended: libvirt's <c>virDomainDestroyFlagsValues</c>.</summary>
[Flags]
public enum DomainDestroyFlags : uint
{
    /// <summary>At once, by force where it must be.</summary>
    None = 0,

    /// <summary>Without force: an error where the hypervisor does not end by itself.</summary>
    Graceful = 1,

    /// <summary>And remove its logs.</summary>
    RemoveLogs = 2,
}
