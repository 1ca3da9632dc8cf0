namespace Ballast;

/// <summary>The state of a domain: libvirt's <c>virDomainState</c>.</summary>
public enum DomainState
{
    /// <summary>Unknown, for example because the monitor cannot be used.</summary>
    NoState = 0,

    /// <summary>The domain is running.</summary>
    Running = 1,

    /// <summary>The domain is blocked on a resource.</summary>
    Blocked = 2,

    /// <summary>The domain is paused.</summary>
    Paused = 3,

    /// <summary>The domain is being shut down.</summary>
    Shutdown = 4,

    /// <summary>The domain is shut off.</summary>
    Shutoff = 5,

    /// <summary>The domain has crashed.</summary>
    Crashed = 6,

    /// <summary>The guest suspended itself.</summary>
    PMSuspended = 7,
}

/// <summary>A domain's state and its reason.</summary>
/// <param name="State">The state.</param>
/// <param name="Reason">libvirt's reason number, whose meaning depends on the state; 0 is unknown.</param>
public readonly record struct DomainStateInfo(DomainState State, int Reason)
{
    /// <summary>The reason in virsh's words (<c>booted</c>, <c>user</c>), <c>unknown</c> for 0 and numbers without a name.</summary>
    public string ReasonLabel => DomainStateLabels.Reason(State, Reason);
}

/// <summary>Texts of <see cref="DomainState"/>.</summary>
public static class DomainStateExtensions
{
    /// <summary>The state in virsh's words (<c>shut off</c>).</summary>
    public static string Label(this DomainState state) => DomainStateLabels.State(state);
}
