namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    // Reasons of libvirt's states, and details of its events.
    private const int PausedByUser = 1, Unpaused = 5, ShutoffByShutdown = 1, ShutoffByDestroy = 2;
    private const int SuspendedPaused = 0, ResumedUnpaused = 0, StoppedByShutdown = 0, StoppedByDestroy = 1;

    /// <summary>The simulated guest obeys before the call returns.</summary>
    public bool ShutsDownAtOnce => true;

    public ValueTask<IReadOnlyList<string>> GetMessagesAsync(
        DomainIdentity domain, DomainMessageKinds kinds, CancellationToken cancellationToken)
    {
        _ = Domains.Get(domain);
        return new([]);
    }

    public ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken) => Enter(
        domain, now => now.Require(now.State.State == DomainState.Running, "running"),
        new(DomainState.Paused, PausedByUser), DomainLifecycleChange.Suspended, SuspendedPaused);

    public ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Enter(
        domain, now => now.Require(now.State.State == DomainState.Paused, "paused"),
        new(DomainState.Running, Unpaused), DomainLifecycleChange.Resumed, ResumedUnpaused);

    /// <summary>A guest that is paused obeys too.</summary>
    public ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)flags, "testDomainShutdownFlags");
        Domains.Stop(domain, now => now.Require(now.IsActive, "running"), ShutoffByShutdown, StoppedByShutdown);
        return default;
    }

    /// <summary>There is nothing to see of a reset: the state stays, and no event tells of it.</summary>
    public ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Domains.Get(domain).RequireActive();
        return default;
    }

    /// <summary>As if the guest had been shut down, and then what the definition says; a guest that was paused runs.</summary>
    public ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken)
    {
        const DomainRebootFlags known = DomainRebootFlags.AcpiPowerButton | DomainRebootFlags.GuestAgent | DomainRebootFlags.InitControl
            | DomainRebootFlags.Signal | DomainRebootFlags.Paravirtual;
        RefuseFlags((uint)(flags & ~known), "testDomainReboot");
        Domains.Reboot(domain, ShutoffByShutdown, StoppedByShutdown);
        return default;
    }

    public ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)(flags & ~DomainDestroyFlags.Graceful), "testDomainDestroyFlags");
        Domains.Stop(domain, now => now.RequireActive(), ShutoffByDestroy, StoppedByDestroy);
        return default;
    }

    private ValueTask Enter(
        DomainIdentity domain, Action<TestDomain> check, DomainStateInfo state, DomainLifecycleChange change, int detail)
    {
        Domains.Change(domain, now =>
        {
            check(now);
            return now with { State = state };
        }, change, detail);
        return default;
    }
}
