namespace Ballast;

/// <summary>An event, as <see cref="DomainEventSubscription"/> yields it.</summary>
public abstract record DomainEvent
{
    private protected DomainEvent()
    {
    }
}

/// <summary>A domain changed its state. Source: the hypervisor, and the host's processes.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Change">What happened.</param>
/// <param name="Detail">libvirt's number for the detail; its meaning depends on the change, see <see cref="DetailLabel"/>.</param>
public sealed record DomainLifecycleEvent(Domain Domain, DomainLifecycleChange Change, int Detail) : DomainEvent
{
    /// <summary>The detail in virsh's words (<c>Booted</c>); empty for a number without a name.</summary>
    public string DetailLabel => DomainLifecycleLabels.Detail(Change, Detail);
}

/// <summary>The guest was reset or rebooted; the domain keeps running. Source: the hypervisor.</summary>
/// <param name="Domain">The domain.</param>
public sealed record DomainRebootEvent(Domain Domain) : DomainEvent;

/// <summary>The guest's driver moved the balloon. QEMU sends at most one of these a second, the last one included. Source: the hypervisor.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="ActualKiB">The balloon's new size, in KiB, rounded up as libvirt does.</param>
public sealed record BalloonChangeEvent(Domain Domain, ulong ActualKiB) : DomainEvent;

/// <summary>The domain's title, description or an element of its metadata changed. Source: the driver; QEMUs have none.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Type">What changed.</param>
/// <param name="NamespaceUri">The element's namespace; null for a title or a description.</param>
public sealed record MetadataChangeEvent(Domain Domain, DomainMetadataType Type, string? NamespaceUri) : DomainEvent;

/// <summary>Events are missing at this point of the subscription. List the domains again.</summary>
/// <param name="Cause">The cause.</param>
/// <param name="Count">The number of missing events; null if unknown.</param>
public sealed record EventsMissed(EventsMissedCause Cause, long? Count) : DomainEvent;

/// <summary>Why events are missing.</summary>
public enum EventsMissedCause
{
    /// <summary>
    /// The reader was too slow: more than <see cref="DomainEventFilter.Capacity"/> events were queued. Or the thread pool was too busy to
    /// pass events on as fast as they arrived.
    /// </summary>
    SlowReader = 0,

    /// <summary>The connection to the daemon was lost and is being reopened. Events until then are missing.</summary>
    ConnectionLost = 1,
}

/// <summary>A change of a domain's state or definition: libvirt's <c>virDomainEventType</c>.</summary>
public enum DomainLifecycleChange
{
    /// <summary>The definition was added or changed.</summary>
    Defined = 0,

    /// <summary>The definition was removed.</summary>
    Undefined = 1,

    /// <summary>The domain was found running, or the guest woke up.</summary>
    Started = 2,

    /// <summary>The domain was paused.</summary>
    Suspended = 3,

    /// <summary>The domain was resumed.</summary>
    Resumed = 4,

    /// <summary>The domain is gone.</summary>
    Stopped = 5,

    /// <summary>The domain finished its shutdown and will be gone soon.</summary>
    Shutdown = 6,

    /// <summary>The guest suspended itself.</summary>
    PMSuspended = 7,

    /// <summary>The guest crashed.</summary>
    Crashed = 8,
}

/// <summary>Kinds of events.</summary>
[Flags]
public enum DomainEventKinds
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="DomainLifecycleEvent"/>.</summary>
    Lifecycle = 1,

    /// <summary><see cref="DomainRebootEvent"/>.</summary>
    Reboot = 2,

    /// <summary><see cref="BalloonChangeEvent"/>.</summary>
    BalloonChange = 4,

    /// <summary><see cref="MetadataChangeEvent"/>.</summary>
    MetadataChange = 8,

    /// <summary>All kinds.</summary>
    All = Lifecycle | Reboot | BalloonChange | MetadataChange,
}

/// <summary>Selects the events of a subscription.</summary>
public sealed record DomainEventFilter
{
    /// <summary>All events of all domains.</summary>
    public static DomainEventFilter All { get; } = new();

    /// <summary>The kinds of events.</summary>
    public DomainEventKinds Kinds { get; init; } = DomainEventKinds.All;

    /// <summary>The only domain to include; null for all.</summary>
    public Domain? Domain { get; init; }

    /// <summary>The maximum number of queued events, at least 1. Further ones are counted in one <see cref="EventsMissed"/>.</summary>
    public int Capacity { get; init; } = 1024;
}
