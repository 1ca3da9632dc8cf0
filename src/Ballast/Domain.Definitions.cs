namespace Ballast;

/// <content>A domain's definition. Only <c>test:</c> connections and daemons have them: a QEMU is a domain while it runs.</content>
public sealed partial class Domain
{
    /// <summary>Starts a defined domain, and updates the <see cref="Id"/> of this handle.</summary>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.InternalError"/>,
    /// <see cref="ErrorCode.OperationInvalid"/>: the domain already runs; the code is the driver's.
    /// <see cref="ErrorCode.NoDomain"/>: it is gone. <see cref="ErrorCode.NoSupport"/>: the driver has no definitions.
    /// </exception>
    public async ValueTask StartAsync(DomainCreateFlags flags = DomainCreateFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly(flags == DomainCreateFlags.None ? "virDomainCreate" : "virDomainCreateWithFlags");
        int? id = (await Connection.Driver.StartAsync(Identity, flags, cancellationToken).ConfigureAwait(false)).Id;
        Identity = Identity with { Id = id };
    }

    /// <summary>Removes the domain's definition. A running domain keeps running, and disappears when it stops.</summary>
    /// <param name="flags">The options.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: it has a managed save image.
    /// <see cref="ErrorCode.NoDomain"/>: it is gone. <see cref="ErrorCode.NoSupport"/>: the driver has no definitions.
    /// </exception>
    public async ValueTask UndefineAsync(DomainUndefineFlags flags = DomainUndefineFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly(flags == DomainUndefineFlags.None ? "virDomainUndefine" : "virDomainUndefineFlags");
        await Connection.Driver.UndefineAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Renames the domain, which must not be running. Existing handles, including this one, keep the old name.</summary>
    /// <param name="name">The new name, without slashes.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: an empty name. <see cref="ErrorCode.OperationDenied"/>: read-only.
    /// <see cref="ErrorCode.OperationInvalid"/>: the domain runs, or another one has the name. <see cref="ErrorCode.XmlError"/>:
    /// the name has a slash. <see cref="ErrorCode.NoSupport"/>: the driver cannot rename.
    /// </exception>
    public async ValueTask RenameAsync(string name, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainRename";
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length == 0)
            throw LibvirtError.InvalidArgument($"string new_name in {function} must not be empty", function, "new_name", ErrorOrigin.Domain);
        RefuseReadOnly(function);
        await Connection.Driver.RenameAsync(Identity, name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether the definition differs from the running domain. The test driver always returns false, like libvirt's.</summary>
    public async ValueTask<bool> IsUpdatedAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.IsUpdatedAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>Sets whether the domain starts with the host.</summary>
    /// <param name="starts">Whether it starts with the host.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.NoSupport"/>: the driver has no definitions.
    /// </exception>
    public async ValueTask SetAutostartAsync(bool starts, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainSetAutostart");
        await Connection.Driver.SetAutostartAsync(Identity, starts, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Saves the state of the running domain in a place that the driver manages, and stops it. The next start restores the state.</summary>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: the domain is not running, or
    /// has no definition. <see cref="ErrorCode.NoSupport"/>: the driver cannot save.
    /// </exception>
    public async ValueTask ManagedSaveAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainManagedSave");
        await Connection.Driver.ManagedSaveAsync(Identity, cancellationToken).ConfigureAwait(false);
        ForgetId();
    }

    /// <summary>Removes the managed save image, if there is one.</summary>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.NoSupport"/>: the driver cannot save.
    /// </exception>
    public async ValueTask RemoveManagedSaveAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainManagedSaveRemove");
        await Connection.Driver.RemoveManagedSaveAsync(Identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets or removes a part of the domain's metadata.</summary>
    /// <param name="type">The part.</param>
    /// <param name="text">The text, or an element's XML; null removes the part.</param>
    /// <param name="prefix">Of an element: the prefix of its namespace in the domain's XML; at most 4096 characters.</param>
    /// <param name="uri">Of an element: its namespace; at most 4096 characters.</param>
    /// <param name="impact">The running domain, its definition, or both.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: an argument is missing, too long, or may not be given. <see cref="ErrorCode.OperationDenied"/>:
    /// read-only. <see cref="ErrorCode.XmlDetail"/>: the element is not XML. <see cref="ErrorCode.OperationInvalid"/>: the domain has
    /// no such part. <see cref="ErrorCode.NoSupport"/>: the driver has no metadata.
    /// </exception>
    public async ValueTask SetMetadataAsync(
        DomainMetadataType type, string? text, string? prefix = null, string? uri = null,
        DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainSetMetadata";
        RefuseReadOnly(function);
        switch (type)
        {
            case DomainMetadataType.Title when text?.Contains('\n', StringComparison.Ordinal) == true:
                throw LibvirtError.InvalidArgument("metadata title can't contain newlines", function, "metadata", ErrorOrigin.Domain);
            case DomainMetadataType.Title or DomainMetadataType.Description:
                RefuseGiven(uri, "uri", function);
                RefuseGiven(prefix, "key", function);
                break;
            case DomainMetadataType.Element:
                RequireGiven(uri, "uri", function);
                if (text is not null)
                    RequireGiven(prefix, "key", function);
                break;
            default:
                break;
        }

        // Events tell every client that listens of the namespace, whatever it is.
        RefuseLong(uri, "uri", function);
        RefuseLong(prefix, "key", function);
        await Connection.Driver.SetMetadataAsync(Identity, type, text, prefix, uri, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets how many virtual CPUs the domain has.</summary>
    /// <param name="count">The number, at least 1 and at most the domain's maximum.</param>
    /// <param name="impact">The running domain, its definition, or both.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: zero, or above the maximum. <see cref="ErrorCode.OperationDenied"/>: read-only.
    /// <see cref="ErrorCode.OperationInvalid"/>: the domain is not running, or has no definition.
    /// <see cref="ErrorCode.NoSupport"/>: the driver cannot change it.
    /// </exception>
    public async ValueTask SetVirtualCpuCountAsync(
        int count, DomainModificationImpact impact = DomainModificationImpact.Live, CancellationToken cancellationToken = default)
    {
        CheckVirtualCpus(count, impact);
        await Connection.Driver.SetVirtualCpuCountAsync(Identity, count, isMaximum: false, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets how many virtual CPUs the domain can have, from its next start on.</summary>
    /// <param name="count">The number, at least 1.</param>
    /// <param name="impact">Must include the definition. If it includes the running domain too, that gets this number of CPUs at once.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">Same as <see cref="SetVirtualCpuCountAsync"/>.</exception>
    public async ValueTask SetMaxVirtualCpuCountAsync(
        int count, DomainModificationImpact impact = DomainModificationImpact.Config, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainSetVcpusFlags";
        RefuseReadOnly(function);
        RefuseGuestsOfDefinition(impact, function);
        if ((impact & DomainModificationImpact.Config) == 0)
        {
            throw LibvirtError.InvalidArgument(
                "Flag 'VIR_DOMAIN_AFFECT_CONFIG' is required by flag 'VIR_DOMAIN_VCPU_MAXIMUM'", function, "ctl", ErrorOrigin.Domain);
        }

        CheckVirtualCpus(count, impact);
        await Connection.Driver.SetVirtualCpuCountAsync(Identity, count, isMaximum: true, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The handle's id is the one that the domain has now.</summary>
    private async ValueTask LearnIdAsync(CancellationToken cancellationToken)
    {
        try
        {
            Identity = Identity with { Id = (await Connection.Driver.LookupByUuidAsync(Uuid, cancellationToken).ConfigureAwait(false)).Id };
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            ForgetId();
        }
    }

    private void CheckVirtualCpus(int count, DomainModificationImpact impact)
    {
        const string function = "virDomainSetVcpusFlags";
        RefuseReadOnly(function);
        RefuseGuestsOfDefinition(impact, function);
        if (count == 0)
            throw LibvirtError.InvalidArgument($"nvcpus in {function} must not be zero", function, "nvcpus", ErrorOrigin.Domain);
    }

    // libvirt's bit for the processors that the guest's agent is to use: a definition has no guest.
    private static void RefuseGuestsOfDefinition(DomainModificationImpact impact, string function)
    {
        const DomainModificationImpact guest = (DomainModificationImpact)8;
        if ((impact & guest) != 0 && (impact & DomainModificationImpact.Config) != 0)
        {
            throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_VCPU_GUEST' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive", function, "ctl", ErrorOrigin.Domain);
        }
    }

    private static void RequireGiven(string? argument, string name, string function)
    {
        if (argument is null)
            throw LibvirtError.InvalidArgument($"{name} in {function} must not be NULL", function, name, ErrorOrigin.Domain);
    }

    private static void RefuseLong(string? argument, string name, string function)
    {
        const int most = 4096;
        if (argument?.Length > most)
            throw LibvirtError.InvalidArgument($"{name} in {function} must have at most {most} characters", function, name, ErrorOrigin.Domain);
    }

    private static void RefuseGiven(string? argument, string name, string function)
    {
        if (argument is not null)
            throw LibvirtError.InvalidArgument($"{name} in {function} must be NULL", function, name, ErrorOrigin.Domain);
    }
}
