namespace Ballast.Drivers;

/// <summary>Where a driver puts what happens. Called under the driver's locks: neither blocks nor calls back.</summary>
internal interface IDriverEventSink
{
    void Add(in DriverEvent happened);

    /// <summary>Events are missing here, nobody knows how many.</summary>
    void Interrupt();

    /// <summary>So many events are missing here: more came than were kept.</summary>
    void Miss(long count) => Interrupt();

    /// <summary>After an interruption: from now on none is missing.</summary>
    void Resume()
    {
    }

    /// <summary>Nothing more will come: why, or null where it was asked to end.</summary>
    void End(Exception? error);
}

/// <summary>A subscription whose events may be on their way to their sink.</summary>
internal interface IDriverSubscription : IAsyncDisposable
{
    /// <summary>What happened until now is in the sink when this returns, but for what is held back.</summary>
    void Settle();
}

/// <summary>One event, as a driver gives it; which members count depends on the kind.</summary>
internal readonly record struct DriverEvent(
    DomainEventKinds Kind, DomainIdentity Domain, DomainLifecycleChange Change = default, int Detail = 0, ulong ActualKiB = 0,
    DomainMetadataType Metadata = default, string? NamespaceUri = null)
{
    /// <summary>What it takes to keep it, about: its texts may be megabytes long.</summary>
    public long Bytes => BytesOf(Domain.Name, NamespaceUri);

    /// <summary>The same of an event of a domain of that name, with a namespace or without one.</summary>
    public static long BytesOf(string domain, string? namespaceUri)
    {
        // With what the objects themselves take.
        const int objects = 200;
        return objects + (sizeof(char) * ((long)domain.Length + (namespaceUri?.Length ?? 0)));
    }

    public static DriverEvent Lifecycle(DomainIdentity domain, DomainLifecycleChange change, int detail) =>
        new(DomainEventKinds.Lifecycle, domain, change, detail);

    public static DriverEvent Reboot(DomainIdentity domain) => new(DomainEventKinds.Reboot, domain);

    public static DriverEvent BalloonChange(DomainIdentity domain, ulong actualKiB) =>
        new(DomainEventKinds.BalloonChange, domain, ActualKiB: actualKiB);

    public static DriverEvent MetadataChange(DomainIdentity domain, DomainMetadataType type, string? uri) =>
        new(DomainEventKinds.MetadataChange, domain, Metadata: type, NamespaceUri: uri);
}
