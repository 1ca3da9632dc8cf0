namespace Ballast;

/// <summary>Which virtual CPUs to count: libvirt's <c>virDomainVcpuFlags</c>.</summary>
[Flags]
public enum VirtualCpuCountFlags : uint
{
    /// <summary>Those that are plugged in, of the running domain or else of its definition.</summary>
    None = 0,

    /// <summary>Of the running domain.</summary>
    Live = 1,

    /// <summary>Of the definition.</summary>
    Config = 2,

    /// <summary>The maximum instead of those that are plugged in.</summary>
    Maximum = 4,

    /// <summary>Those that the guest uses, as its agent reports.</summary>
    Guest = 8,
}

/// <summary>A kind of metadata: libvirt's <c>virDomainMetadataType</c>.</summary>
public enum DomainMetadataType
{
    /// <summary>The description.</summary>
    Description = 0,

    /// <summary>The title.</summary>
    Title = 1,

    /// <summary>An XML element with a namespace of its own.</summary>
    Element = 2,
}

/// <summary>Kinds of warnings about a domain: libvirt's <c>virDomainMessageType</c>.</summary>
[Flags]
public enum DomainMessageKinds : uint
{
    /// <summary>All kinds.</summary>
    All = 0,

    /// <summary>Deprecated settings.</summary>
    Deprecation = 1,

    /// <summary>Settings that make the domain hard to support.</summary>
    Tainting = 2,
}

/// <summary>How to ask a guest to reboot: libvirt's <c>virDomainRebootFlagValues</c>.</summary>
[Flags]
public enum DomainRebootFlags : uint
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

/// <summary>The kind of a domain's background job: libvirt's <c>virDomainJobType</c>.</summary>
public enum DomainJobType
{
    /// <summary>No job.</summary>
    None = 0,

    /// <summary>A job whose end can be estimated.</summary>
    Bounded = 1,

    /// <summary>A job whose end cannot be estimated.</summary>
    Unbounded = 2,

    /// <summary>A job that is done.</summary>
    Completed = 3,

    /// <summary>A job that failed.</summary>
    Failed = 4,

    /// <summary>A job that was cancelled.</summary>
    Cancelled = 5,
}

/// <summary>The amount of data that a job moves, in bytes.</summary>
/// <param name="TotalBytes">The whole amount.</param>
/// <param name="ProcessedBytes">The part that has been moved.</param>
/// <param name="RemainingBytes">The part that is left.</param>
public readonly record struct DomainJobAmount(ulong TotalBytes, ulong ProcessedBytes, ulong RemainingBytes);

/// <summary>A domain's background job (migration, save, dump): libvirt's <c>virDomainJobInfo</c>. Source: the hypervisor's driver.</summary>
/// <param name="Type">The kind of job.</param>
/// <param name="ElapsedMilliseconds">The time that it has been running, in milliseconds.</param>
/// <param name="RemainingMilliseconds">The estimated remaining time, in milliseconds; 0 if unknown.</param>
/// <param name="Data">All of its data.</param>
/// <param name="Memory">Its memory.</param>
/// <param name="File">Its files.</param>
public readonly record struct DomainJobInfo(
    DomainJobType Type, ulong ElapsedMilliseconds, ulong RemainingMilliseconds, DomainJobAmount Data, DomainJobAmount Memory, DomainJobAmount File);

/// <summary>A domain's background job in libvirt's newer form.</summary>
/// <param name="Type">The kind of job.</param>
/// <param name="Parameters">Its numbers, by libvirt's names; empty if there is no job.</param>
public sealed record DomainJobStats(DomainJobType Type, IReadOnlyList<TypedParameter> Parameters);

/// <summary>The state of the control channel to a hypervisor: libvirt's <c>virDomainControlState</c>.</summary>
public enum DomainControlState
{
    /// <summary>Ready for a command.</summary>
    Ok = 0,

    /// <summary>A background job is running.</summary>
    Job = 1,

    /// <summary>A command is in progress.</summary>
    Occupied = 2,

    /// <summary>It cannot be used any more.</summary>
    Error = 3,
}

/// <summary>The state of the control channel to a domain's hypervisor.</summary>
/// <param name="State">The state.</param>
/// <param name="Details">libvirt's number for the reason of an error; 0 if there is none.</param>
/// <param name="StateMilliseconds">The time that it has been in this state, in milliseconds; 0 if unknown.</param>
public readonly record struct DomainControlInfo(DomainControlState State, uint Details, ulong StateMilliseconds);

/// <summary>How a guest's dirty rate is measured: libvirt's <c>virDomainDirtyRateCalcFlags</c>.</summary>
public enum DirtyRateMode
{
    /// <summary>By samples of its pages.</summary>
    PageSampling = 0,

    /// <summary>By KVM's dirty bitmap.</summary>
    DirtyBitmap = 1,

    /// <summary>By KVM's dirty ring, for each virtual CPU.</summary>
    DirtyRing = 2,
}
