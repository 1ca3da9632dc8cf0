namespace Ballast;

/// <summary>What keeps a domain from running, in more detail than libvirt's reasons.</summary>
public enum PauseCause
{
    /// <summary>The domain is running, the cause is unknown, or <see cref="DomainStateInfo.Reason"/> says all that is known.</summary>
    Unknown = 0,

    /// <summary>It waits to be resumed: it was paused, has not been started yet, or has arrived from another host.</summary>
    Waiting = 1,

    /// <summary>It is being migrated, from here or to here.</summary>
    Migrating = 2,

    /// <summary>It was migrated to another host or into a file. The QEMU that is left here must not be resumed.</summary>
    Migrated = 3,

    /// <summary>Its state is being restored.</summary>
    Restoring = 4,

    /// <summary>A debugger has stopped its processors.</summary>
    Debugging = 5,

    /// <summary>The hypervisor had an internal error. The domain runs again only after a reset.</summary>
    InternalError = 6,

    /// <summary>It is being kept identical to its copy on another host (COLO).</summary>
    Replicating = 7,
}
