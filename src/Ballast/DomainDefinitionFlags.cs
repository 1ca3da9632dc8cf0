namespace Ballast;

/// <summary>Options for defining a domain: libvirt's <c>virDomainDefineFlags</c>.</summary>
[Flags]
public enum DomainDefineFlags : uint
{
    /// <summary>No options.</summary>
    None = 0,

    /// <summary>Check the XML against libvirt's schema. Drivers without a schema accept the option and do not check.</summary>
    Validate = 1,
}

/// <summary>Options for starting a domain: libvirt's <c>virDomainCreateFlags</c>.</summary>
[Flags]
public enum DomainCreateFlags : uint
{
    /// <summary>No options.</summary>
    None = 0,

    /// <summary>Start it paused.</summary>
    Paused = 1,

    /// <summary>Destroy it when the connection is closed.</summary>
    AutoDestroy = 2,

    /// <summary>Read a saved state without the host's file cache.</summary>
    BypassCache = 4,

    /// <summary>Boot instead of restoring a saved state, which is discarded.</summary>
    ForceBoot = 8,

    /// <summary>Check the XML against libvirt's schema. Drivers without a schema accept the option and do not check.</summary>
    Validate = 16,

    /// <summary>Reset the firmware's variables.</summary>
    ResetNvram = 32,
}

/// <summary>Options for removing a definition: libvirt's <c>virDomainUndefineFlagsValues</c>.</summary>
[Flags]
public enum DomainUndefineFlags : uint
{
    /// <summary>Fail if the domain has a managed save image.</summary>
    None = 0,

    /// <summary>Remove the managed save image too.</summary>
    ManagedSave = 1,

    /// <summary>Remove the snapshots' metadata too.</summary>
    SnapshotsMetadata = 2,

    /// <summary>Remove the firmware's variables too.</summary>
    Nvram = 4,

    /// <summary>Keep the firmware's variables.</summary>
    KeepNvram = 8,

    /// <summary>Remove the checkpoints' metadata too.</summary>
    CheckpointsMetadata = 16,

    /// <summary>Remove the TPM's state too.</summary>
    Tpm = 32,

    /// <summary>Keep the TPM's state.</summary>
    KeepTpm = 64,
}
