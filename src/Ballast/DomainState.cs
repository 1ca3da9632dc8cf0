namespace Ballast;

/// <summary>What a domain does: libvirt's <c>virDomainState</c>.</summary>
public enum DomainState
{
    /// <summary>Nobody knows, for instance because the monitor cannot be asked.</summary>
    NoState = 0,

    /// <summary>It runs.</summary>
    Running = 1,

    /// <summary>It waits for a resource.</summary>
    Blocked = 2,

    /// <summary>It is paused.</summary>
    Paused = 3,

    /// <summary>It is being shut down.</summary>
    Shutdown = 4,

    /// <summary>It does not run.</summary>
    Shutoff = 5,

    /// <summary>It crashed.</summary>
    Crashed = 6,

    /// <summary>The guest suspended itself.</summary>
    PMSuspended = 7,
}

/// <summary>A domain's state and why it is in it.</summary>
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
