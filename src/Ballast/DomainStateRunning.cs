namespace Ballast;

/// <summary>Which states are those of a domain whose guest can report.</summary>
internal static class DomainStateRunning
{
    /// <summary>Whether a domain in this state runs; null: the state does not tell, or only a newer daemon knows it.</summary>
    /// <remarks>A crashed domain that is kept, and one that has shut down and was not ended, have processors that stand still.</remarks>
    public static bool? IsRunning(this DomainState state) => state switch
    {
        DomainState.Running or DomainState.Blocked => true,
        DomainState.Paused or DomainState.Shutdown or DomainState.Shutoff or DomainState.Crashed or DomainState.PMSuspended => false,
        _ => null,
    };
}
