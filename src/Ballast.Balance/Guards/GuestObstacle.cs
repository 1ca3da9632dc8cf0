namespace Ballast.Balance.Guards;

/// <summary>Why a guest cannot operate its balloon now.</summary>
public enum GuestObstacle
{
    /// <summary>It can operate its balloon.</summary>
    None,

    /// <summary>The domain has no balloon device.</summary>
    NoBalloonDevice,

    /// <summary>The guest has no balloon driver loaded.</summary>
    DriverNotLoaded,

    /// <summary>It was started or reset, and has not reported since.</summary>
    Booting,

    /// <summary>QEMU has not started it yet.</summary>
    Prelaunch,

    /// <summary>It is paused.</summary>
    Paused,

    /// <summary>It is being migrated.</summary>
    Migrating,

    /// <summary>Its memory is locked, in huge pages, or pinned for passed-through devices, so its balloon would give the host nothing back.</summary>
    FixedMemory,
}
