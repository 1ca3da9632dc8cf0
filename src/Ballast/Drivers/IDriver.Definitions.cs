namespace Ballast.Drivers;

/// <summary>Makes, changes and removes domains and their definitions.</summary>
internal partial interface IDriver
{
    /// <summary>Defines a domain, or replaces its definition; a running domain does not change.</summary>
    ValueTask<DomainIdentity> DefineDomainAsync(string xml, DomainDefineFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport(flags == DomainDefineFlags.None ? "virDomainDefineXML" : "virDomainDefineXMLFlags");

    /// <summary>Starts a transient domain.</summary>
    ValueTask<DomainIdentity> CreateDomainAsync(string xml, DomainCreateFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainCreateXML");

    /// <summary>Starts a defined domain; the result has its new id.</summary>
    ValueTask<DomainIdentity> StartAsync(DomainIdentity domain, DomainCreateFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport(flags == DomainCreateFlags.None ? "virDomainCreate" : "virDomainCreateWithFlags");

    ValueTask UndefineAsync(DomainIdentity domain, DomainUndefineFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport(flags == DomainUndefineFlags.None ? "virDomainUndefine" : "virDomainUndefineFlags");

    ValueTask RenameAsync(DomainIdentity domain, string name, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainRename");

    ValueTask SetAutostartAsync(DomainIdentity domain, bool starts, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainSetAutostart");

    /// <summary>Ends a running domain and keeps its state for the next start.</summary>
    ValueTask ManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainManagedSave");

    ValueTask RemoveManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainManagedSaveRemove");

    /// <summary>Sets a part of the metadata, or removes it if the text is null.</summary>
    ValueTask SetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? text, string? prefix, string? uri, DomainModificationImpact impact,
        CancellationToken cancellationToken) => throw LibvirtError.NoSupport("virDomainSetMetadata");
}
