namespace Ballast.Drivers;

/// <summary>Makes a domain run, pause or end.</summary>
internal partial interface IDriver
{
    ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSuspend");

    ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainResume");

    /// <summary>Whether a domain is already inactive when <see cref="ShutdownAsync"/> returns.</summary>
    bool ShutsDownAtOnce => false;

    ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainShutdown");

    ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainReboot");

    ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainReset");

    ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainPMWakeup");

    ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainDestroy");
}
