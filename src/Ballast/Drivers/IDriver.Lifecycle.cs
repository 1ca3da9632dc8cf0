namespace Ballast.Drivers;

/// <summary>What a domain is made of, and what makes it run, stop or go.</summary>
internal partial interface IDriver
{
    ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetXMLDesc");

    /// <summary>What there is to know about a domain that people should be told: deprecated or tainting settings.</summary>
    ValueTask<IReadOnlyList<string>> GetMessagesAsync(DomainIdentity domain, DomainMessageKinds kinds, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMessages");

    ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSuspend");

    ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainResume");

    /// <summary>Whether a domain is inactive when <see cref="ShutdownAsync"/> returns; most guests take their time.</summary>
    bool ShutsDownAtOnce => false;

    ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainShutdown");

    ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainReset");

    ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainDestroy");

    ValueTask SetMaxMemoryAsync(
        DomainIdentity domain, ulong kib, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetMaxMemory");
}
