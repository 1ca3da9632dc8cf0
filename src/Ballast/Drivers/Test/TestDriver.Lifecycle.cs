using static Ballast.DomainStateReasons;
using Details = Ballast.DomainLifecycleDetails;

namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
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
        new(DomainState.Paused, Paused.User), DomainLifecycleChange.Suspended, Details.Suspended.Paused);

    public ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) => Enter(
        domain, now => now.Require(now.State.State == DomainState.Paused, "paused"),
        new(DomainState.Running, Running.Unpaused), DomainLifecycleChange.Resumed, Details.Resumed.Unpaused);

    /// <summary>A guest that is paused obeys too.</summary>
    public ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)flags, "testDomainShutdownFlags");
        Domains.Stop(domain, now => now.Require(now.IsActive, "running"), Shutoff.Shutdown, Details.Stopped.Shutdown);
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
        Domains.Reboot(domain, Shutoff.Shutdown, Details.Stopped.Shutdown);
        return default;
    }

    public ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)(flags & ~DomainDestroyFlags.Graceful), "testDomainDestroyFlags");
        Domains.Stop(domain, now => now.RequireActive(), Shutoff.Destroyed, Details.Stopped.Destroyed);
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
