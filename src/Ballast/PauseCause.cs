namespace Ballast;

/// <summary>What keeps a domain from running, where the hypervisor tells it finer than libvirt's reasons do.</summary>
public enum PauseCause
{
    /// <summary>Nobody told, or the domain runs, or <see cref="DomainStateInfo.Reason"/> says all that is known.</summary>
    Unknown = 0,

    /// <summary>It waits to be resumed: it was paused, was not started yet, or has arrived from another host.</summary>
    Waiting = 1,

    /// <summary>It is being migrated, from here or to here.</summary>
    Migrating = 2,

    /// <summary>Its migration is over: it is on another host or in a file, and what is left here must not run.</summary>
    Migrated = 3,

    /// <summary>Its state is being restored.</summary>
    Restoring = 4,

    /// <summary>A debugger has stopped its processors.</summary>
    Debugging = 5,

    /// <summary>The hypervisor failed at running it. It runs again only after a reset.</summary>
    InternalError = 6,

    /// <summary>It is kept equal to its copy on another host (COLO).</summary>
    Replicating = 7,
}
