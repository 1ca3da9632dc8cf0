namespace Ballast.Balance.Guards;

/// <summary>Why a guest cannot answer to its balloon now.</summary>
public enum GuestObstacle
{
    /// <summary>It can.</summary>
    None,

    /// <summary>The domain has no balloon device.</summary>
    NoBalloonDevice,

    /// <summary>The guest has no balloon driver loaded.</summary>
    DriverNotLoaded,

    /// <summary>It was started or reset, and has not reported since.</summary>
    Booting,

    /// <summary>QEMU waits to be told to start it.</summary>
    Prelaunch,

    /// <summary>It is paused.</summary>
    Paused,

    /// <summary>It moves to another host.</summary>
    Migrating,

    /// <summary>Its memory is locked, in huge pages, or passed through: its balloon would give the host nothing back.</summary>
    FixedMemory,
}
