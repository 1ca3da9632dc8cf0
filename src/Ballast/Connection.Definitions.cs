namespace Ballast;

/// <content>Definitions of domains. Only <c>test:</c> connections and daemons have them: a QEMU is a domain while it runs.</content>
public sealed partial class Connection
{
    /// <summary>
    /// Defines a domain from libvirt's XML, without starting it. If a domain has the same name and UUID, its definition is replaced; if it
    /// is running, the new definition takes effect at its next start.
    /// </summary>
    /// <param name="xml">The domain's XML. A domain without a UUID gets a random one.</param>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.XmlDetail"/>, <see cref="ErrorCode.XmlError"/>,
    /// <see cref="ErrorCode.ConfigurationUnsupported"/>: the XML is not valid. <see cref="ErrorCode.OperationFailed"/>: another
    /// domain has the name or the UUID. <see cref="ErrorCode.NoSupport"/>: the driver has no definitions.
    /// </exception>
    public async ValueTask<Domain> DefineDomainAsync(
        string xml, DomainDefineFlags flags = DomainDefineFlags.None, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(xml);
        RefuseReadOnly(flags == DomainDefineFlags.None ? "virDomainDefineXML" : "virDomainDefineXMLFlags");
        return new Domain(this, await Driver.DefineDomainAsync(xml, flags, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Starts a domain from libvirt's XML without defining it, so it disappears when it stops. If it has the name and UUID of an inactive
    /// defined domain, that domain runs with this XML once.
    /// </summary>
    /// <param name="xml">The domain's XML. A domain without a UUID gets a random one.</param>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// Same as <see cref="DefineDomainAsync"/>; also <see cref="ErrorCode.OperationInvalid"/>: the domain is already active.
    /// </exception>
    public async ValueTask<Domain> CreateDomainAsync(
        string xml, DomainCreateFlags flags = DomainCreateFlags.None, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(xml);
        RefuseReadOnly("virDomainCreateXML");
        return new Domain(this, await Driver.CreateDomainAsync(xml, flags, cancellationToken).ConfigureAwait(false));
    }

    private void RefuseReadOnly(string function)
    {
        if (IsReadOnly)
            throw LibvirtError.ReadOnly(function);
    }
}
