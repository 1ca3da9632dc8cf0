namespace Ballast;

/// <content>What clients ask beside memory and state.</content>
public sealed partial class Domain
{
    // libvirt's bits of the running domain and of its definition, in every function's flags.
    private const uint ImpactBits = (uint)(DomainModificationImpact.Live | DomainModificationImpact.Config);

    /// <summary>The maximum number of virtual CPUs of the running domain. Source: the hypervisor.</summary>
    public async ValueTask<int> GetMaxVirtualCpusAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetMaxVirtualCpusAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The number of virtual CPUs. Source: the hypervisor.</summary>
    /// <param name="flags">Which ones to count.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: running domain and definition at once. <see cref="ErrorCode.OperationDenied"/>: the
    /// guest's, on a read-only connection. <see cref="ErrorCode.ArgumentUnsupported"/>: there is no guest agent.
    /// </exception>
    public async ValueTask<int> GetVirtualCpuCountAsync(
        VirtualCpuCountFlags flags = VirtualCpuCountFlags.None, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainGetVcpusFlags";
        if ((flags & VirtualCpuCountFlags.Guest) != 0)
            RefuseReadOnly(function);
        RefuseBoth((DomainModificationImpact)((uint)flags & ImpactBits), function);
        return await Connection.Driver.GetVirtualCpuCountAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns a description, a title or an XML element that was stored with the domain.</summary>
    /// <param name="type">What to return.</param>
    /// <param name="uri">The element's namespace; null for the others.</param>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoDomainMetadata"/>: there is none. <see cref="ErrorCode.InvalidArgument"/>: an element without a
    /// namespace. <see cref="ErrorCode.OperationInvalid"/>: the domain has no definition.
    /// </exception>
    public async ValueTask<string> GetMetadataAsync(
        DomainMetadataType type, string? uri = null, DomainModificationImpact impact = DomainModificationImpact.Current,
        CancellationToken cancellationToken = default)
    {
        const string function = "virDomainGetMetadata";
        RefuseBoth(impact, function);
        if (type == DomainMetadataType.Element && uri is null)
            throw LibvirtError.InvalidArgument($"uri in {function} must not be NULL", function, "uri", ErrorOrigin.Domain);
        if (type is DomainMetadataType.Description or DomainMetadataType.Title && uri is not null)
            throw LibvirtError.InvalidArgument($"uri in {function} must be NULL", function, "uri", ErrorOrigin.Domain);
        return await Connection.Driver.GetMetadataAsync(Identity, type, uri, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to reboot. The guest may take a while, or ignore it.</summary>
    /// <param name="flags">How to ask.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// Same as <see cref="SuspendAsync"/>. <see cref="ErrorCode.OperationUnsupported"/>: the hypervisor has no way to do it.
    /// </exception>
    public async ValueTask RebootAsync(DomainRebootFlags flags = DomainRebootFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainReboot");
        await Connection.Driver.RebootAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
        if (Connection.Driver.ShutsDownAtOnce)
            await LearnIdAsync(cancellationToken).ConfigureAwait(false);
    }
}
