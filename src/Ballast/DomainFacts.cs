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

    /// <summary>Those that the guest uses; its agent tells.</summary>
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

/// <summary>How to ask a guest to reboot: libvirt's <c>virDomainRebootFlagValues</c>.</summary>
[Flags]
public enum DomainRebootFlags : uint
{
    /// <summary>The hypervisor's choice.</summary>
    None = 0,

    /// <summary>The ACPI power button.</summary>
    AcpiPowerButton = 1,

    /// <summary>The guest agent.</summary>
    GuestAgent = 2,

    /// <summary>The init control of a container.</summary>
    InitControl = 4,

    /// <summary>A signal, of a container.</summary>
    Signal = 8,

    /// <summary>A paravirtual control of the hypervisor.</summary>
    Paravirtual = 16,
}
