namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    // Reasons of libvirt's states, and details of its events.
    private const int PausedByUser = 1, Unpaused = 5, ShutoffByShutdown = 1, ShutoffByDestroy = 2;
    private const int SuspendedPaused = 0, ResumedUnpaused = 0, StoppedByShutdown = 0, StoppedByDestroy = 1;

    /// <summary>The simulated guest obeys before the call returns.</summary>
    public bool ShutsDownAtOnce => true;

    public ValueTask<IReadOnlyList<string>> GetMessagesAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Of<IReadOnlyList<string>>(domain, []);

    public ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken) => Change(domain, now =>
    {
        RequireState(now.State.State == DomainState.Running, "running");
        _domain.Enter(DomainState.Paused, PausedByUser, DomainLifecycleChange.Suspended, SuspendedPaused);
    });

    public ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Change(domain, now =>
    {
        RequireState(now.State.State == DomainState.Paused, "paused");
        _domain.Enter(DomainState.Running, Unpaused, DomainLifecycleChange.Resumed, ResumedUnpaused);
    });

    /// <summary>A guest that is paused obeys too.</summary>
    public ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken)
    {
        if (flags != DomainShutdownFlags.None)
            throw LibvirtError.UnsupportedFlags((uint)flags, "testDomainShutdownFlags", ErrorOrigin.Test);
        return Change(domain, now =>
        {
            RequireState(now.IsActive, "running");
            _domain.Stop(ShutoffByShutdown, StoppedByShutdown);
        });
    }

    /// <summary>There is nothing to see of a reset: the state stays, and no event tells of it.</summary>
    public ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Change(domain, now => now.RequireActive());

    public ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        if ((flags & ~DomainDestroyFlags.Graceful) is not DomainDestroyFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "testDomainDestroyFlags", ErrorOrigin.Test);
        return Change(domain, now =>
        {
            now.RequireActive();
            _domain.Stop(ShutoffByDestroy, StoppedByDestroy);
        });
    }

    private ValueTask Change(DomainIdentity domain, Action<TestDomainNow> change)
    {
        Require(domain);
        _domain.Change(change);
        return default;
    }

    private static void RequireState(bool isIn, string state)
    {
        if (!isIn)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Test, $"domain '{TestDomain.Name}' not {state}");
    }
}
