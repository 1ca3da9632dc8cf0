namespace Ballast;

/// <summary>Which domains to list. Bits of one group combine with "or", groups with "and". No bits: all domains.</summary>
[Flags]
public enum DomainListFilter : uint
{
    /// <summary>All domains.</summary>
    None = 0,

    /// <summary>Active domains.</summary>
    Active = 1,

    /// <summary>Inactive domains.</summary>
    Inactive = 2,

    /// <summary>Domains with a persistent definition.</summary>
    Persistent = 4,

    /// <summary>Domains without a persistent definition.</summary>
    Transient = 8,

    /// <summary>Running domains.</summary>
    Running = 16,

    /// <summary>Paused domains.</summary>
    Paused = 32,

    /// <summary>Domains that are shut off.</summary>
    Shutoff = 64,

    /// <summary>Domains in any other state.</summary>
    Other = 128,

    /// <summary>Domains with a managed save image.</summary>
    ManagedSave = 256,

    /// <summary>Domains without a managed save image.</summary>
    NoManagedSave = 512,

    /// <summary>Domains that start with the host.</summary>
    Autostart = 1024,

    /// <summary>Domains that do not start with the host.</summary>
    NoAutostart = 2048,

    /// <summary>Domains with snapshots.</summary>
    HasSnapshot = 4096,

    /// <summary>Domains without snapshots.</summary>
    NoSnapshot = 8192,

    /// <summary>Domains with checkpoints.</summary>
    HasCheckpoint = 16384,

    /// <summary>Domains without checkpoints.</summary>
    NoCheckpoint = 32768,
}

/// <summary>What a change of a domain affects: libvirt's <c>virDomainModificationImpact</c>.</summary>
[Flags]
public enum DomainModificationImpact : uint
{
    /// <summary>The running domain if it is active, else its definition.</summary>
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
    /// <summary>All groups that the driver supports.</summary>
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

    /// <summary>Only domains without a persistent definition.</summary>
    Transient = 8,

    /// <summary>Only running domains.</summary>
    Running = 16,

    /// <summary>Only paused domains.</summary>
    Paused = 32,

    /// <summary>Only domains that are shut off.</summary>
    Shutoff = 64,

    /// <summary>Only domains in any other state.</summary>
    Other = 128,

    /// <summary>
    /// Do not wait for a domain whose monitor is busy with an earlier query. Report only what is known without a query.
    /// </summary>
    NoWait = 1u << 29,

    /// <summary>Include the backing chain of block devices.</summary>
    Backing = 1u << 30,

    /// <summary>Fail if the driver does not support a requested group.</summary>
    EnforceStats = 1u << 31,
}

/// <summary>Options for a domain's XML: libvirt's <c>virDomainXMLFlags</c>.</summary>
[Flags]
public enum DomainXmlFlags : uint
{
    /// <summary>The current configuration.</summary>
    None = 0,

    /// <summary>Include secrets.</summary>
    Secure = 1,

    /// <summary>The configuration for the next start.</summary>
    Inactive = 2,

    /// <summary>Include all details of the CPU model.</summary>
    UpdateCpu = 4,

    /// <summary>Suitable for migration to another host.</summary>
    Migratable = 8,
}

/// <summary>
/// The methods to shut a guest down: libvirt's <c>virDomainShutdownFlagValues</c>. A hypervisor refuses the methods that it does
/// not have.
/// </summary>
[Flags]
public enum DomainShutdownFlags : uint
{
    /// <summary>The hypervisor's default.</summary>
    None = 0,

    /// <summary>The ACPI power button.</summary>
    AcpiPowerButton = 1,

    /// <summary>The guest agent.</summary>
    GuestAgent = 2,

    /// <summary>A message to the init process of a container.</summary>
    InitControl = 4,

    /// <summary>A signal to the init process of a container.</summary>
    Signal = 8,

    /// <summary>The hypervisor's own interface to its guests.</summary>
    Paravirtual = 16,
}

/// <summary>Options for destroying a domain: libvirt's <c>virDomainDestroyFlagsValues</c>.</summary>
[Flags]
public enum DomainDestroyFlags : uint
{
    /// <summary>At once, by force if necessary.</summary>
    None = 0,

    /// <summary>Without force. The call fails if the hypervisor's process does not exit by itself.</summary>
    Graceful = 1,

    /// <summary>Also remove its logs.</summary>
    RemoveLogs = 2,
}
