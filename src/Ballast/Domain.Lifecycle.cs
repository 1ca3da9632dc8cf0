namespace Ballast;

/// <content>A domain's XML and messages, and changes of its state and maximum memory.</content>
public sealed partial class Domain
{
    /// <summary>Whether the domain exists and is active.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoDomain"/>: the domain is gone.</exception>
    public async ValueTask<bool> IsActiveAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return (await Connection.Driver.LookupByUuidAsync(Uuid, cancellationToken).ConfigureAwait(false)).Id is not null;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            // A handle has a name to say, a lookup has none.
            throw LibvirtError.NoDomain(e.Origin, Identity);
        }
    }

    /// <summary>
    /// Returns the domain's XML in libvirt's format, as far as the hypervisor provides it. Source: the hypervisor.
    /// </summary>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.OperationDenied"/>: secrets, on a read-only connection.</exception>
    public async ValueTask<string> GetXmlAsync(DomainXmlFlags flags = DomainXmlFlags.None, CancellationToken cancellationToken = default)
    {
        if (Connection.IsReadOnly && (flags & (DomainXmlFlags.Secure | DomainXmlFlags.Migratable)) != 0)
        {
            throw LibvirtError.Report(ErrorCode.OperationDenied, ErrorOrigin.Domain,
                "virDomainGetXMLDesc with secure flag");
        }

        return await Connection.Driver.GetXmlAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns warnings about the domain: deprecated or tainting settings. Source: the hypervisor's driver.</summary>
    /// <param name="kinds">Which warnings.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<IReadOnlyList<string>> GetMessagesAsync(
        DomainMessageKinds kinds = DomainMessageKinds.All, CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetMessagesAsync(Identity, kinds, cancellationToken).ConfigureAwait(false);

    /// <summary>Pauses the guest's CPUs; its memory stays.</summary>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: the domain is not running.
    /// <see cref="ErrorCode.OperationTimeout"/>: no answer in time; the text says whether the change may still take effect.
    /// </exception>
    public async ValueTask SuspendAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainSuspend");
        await Connection.Driver.SuspendAsync(Identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Resumes the guest's CPUs.</summary>
    /// <exception cref="LibvirtException">Same as <see cref="SuspendAsync"/>.</exception>
    public async ValueTask ResumeAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainResume");
        await Connection.Driver.ResumeAsync(Identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to shut down, like its power button. The guest may take a while, or ignore it.</summary>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">Same as <see cref="SuspendAsync"/>.</exception>
    public async ValueTask ShutdownAsync(
        DomainShutdownFlags flags = DomainShutdownFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly(flags == DomainShutdownFlags.None ? "virDomainShutdown" : "virDomainShutdownFlags");
        await Connection.Driver.ShutdownAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
        if (Connection.Driver.ShutsDownAtOnce)
            ForgetId();
    }

    /// <summary>Resets the guest, like its reset button. Data that the guest has not written is lost.</summary>
    /// <exception cref="LibvirtException">Same as <see cref="SuspendAsync"/>.</exception>
    public async ValueTask ResetAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainReset");
        await Connection.Driver.ResetAsync(Identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the domain at once, like a power failure. Data that the guest has not written is lost.</summary>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">Same as <see cref="SuspendAsync"/>.</exception>
    public async ValueTask DestroyAsync(DomainDestroyFlags flags = DomainDestroyFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly(flags == DomainDestroyFlags.None ? "virDomainDestroy" : "virDomainDestroyFlags");
        await Connection.Driver.DestroyAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
        ForgetId();
    }

    /// <summary>Sets the maximum memory of the domain. The domain must not be running.</summary>
    /// <param name="kib">The maximum, in KiB.</param>
    /// <param name="impact">Whether to change the running domain or its definition.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: zero. <see cref="ErrorCode.Overflow"/>: the number is too large.
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: the domain is active.
    /// </exception>
    public async ValueTask SetMaxMemoryAsync(
        ulong kib, DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        CheckMemory(kib, "virDomainSetMaxMemory");
        await Connection.Driver.SetMaxMemoryAsync(Identity, kib, impact, cancellationToken).ConfigureAwait(false);
    }

    // libvirt's handle too has no id any more once it ended its domain; other handles keep theirs.
    private void ForgetId() => Identity = Identity with { Id = null };

    internal void CheckMemory(ulong kib, string function)
    {
        RefuseReadOnly(function);
        if (kib == 0)
            throw LibvirtError.InvalidArgument($"memory in {function} must not be zero", function, "memory", ErrorOrigin.Domain);
        if (kib >= MaxMemoryKiB)
            throw LibvirtError.Report(ErrorCode.Overflow, ErrorOrigin.Domain, $"input too large: {kib}");
    }
}
