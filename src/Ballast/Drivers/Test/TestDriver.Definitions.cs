namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    public ValueTask<DomainIdentity> DefineDomainAsync(string xml, DomainDefineFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)(flags & ~DomainDefineFlags.Validate), "testDomainDefineXMLFlags");
        return new(Domains.Define(TestDefinitionXml.Read(xml)));
    }

    public ValueTask<DomainIdentity> CreateDomainAsync(string xml, DomainCreateFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)(flags & ~DomainCreateFlags.Validate), "testDomainCreateXML");
        return new(Domains.Create(TestDefinitionXml.Read(xml)));
    }

    public ValueTask<DomainIdentity> StartAsync(DomainIdentity domain, DomainCreateFlags flags, CancellationToken cancellationToken)
    {
        RefuseFlags((uint)flags, "testDomainCreateWithFlags");
        return new(Domains.Start(domain));
    }

    public ValueTask UndefineAsync(DomainIdentity domain, DomainUndefineFlags flags, CancellationToken cancellationToken)
    {
        const DomainUndefineFlags known = DomainUndefineFlags.ManagedSave | DomainUndefineFlags.SnapshotsMetadata;
        RefuseFlags((uint)(flags & ~known), "testDomainUndefineFlags");
        Domains.Undefine(domain, withManagedSave: (flags & DomainUndefineFlags.ManagedSave) != 0);
        return default;
    }

    public ValueTask RenameAsync(DomainIdentity domain, string name, CancellationToken cancellationToken)
    {
        Domains.Rename(domain, name);
        return default;
    }

    /// <summary>Nothing starts a simulated host, so nothing comes of it. Domains without a definition have it as well.</summary>
    public ValueTask SetAutostartAsync(DomainIdentity domain, bool starts, CancellationToken cancellationToken) =>
        Change(domain, now => now with { IsAutostart = starts });

    /// <summary>Of a domain that is gone as well.</summary>
    public ValueTask<bool> IsUpdatedAsync(DomainIdentity domain, CancellationToken cancellationToken) => new(false);

    public ValueTask ManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        Domains.Save(domain);
        return default;
    }

    public ValueTask RemoveManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        Change(domain, now => now with { HasManagedSave = false });

    public ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken)
    {
        const DomainXmlFlags known = DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable;
        RefuseFlags((uint)(flags & ~known), "testDomainGetXMLDesc");
        TestDomain now = Domains.Get(domain);
        return new((flags & DomainXmlFlags.Inactive) != 0
            ? TestDomainText.Write(now.Next ?? now.Definition, id: null)
            : TestDomainText.Write(now.Definition, now.Id));
    }

    public ValueTask SetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? text, string? prefix, string? uri, DomainModificationImpact impact,
        CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainSetMetadata", ErrorOrigin.Test);

        // What takes long is done before others have to wait for it.
        _ = ChangeParts(Domains.Get(domain), impact, (_, definition) => definition);
        XmlElement? root = type == DomainMetadataType.Element && text is not null ? TestMetadata.ReadRoot(text, prefix!, uri!) : null;
        Domains.ChangeMetadata(domain, now => ChangeParts(now, impact, (_, definition) => type switch
        {
            DomainMetadataType.Description => definition with { Description = string.IsNullOrEmpty(text) ? null : text },
            DomainMetadataType.Title => definition with { Title = string.IsNullOrEmpty(text) ? null : text },
            DomainMetadataType.Element => definition with { Metadata = TestMetadata.Replace(definition.Metadata, root, uri!) },
            _ => throw UnknownMetadata(type),
        }), type, uri);
        return default;
    }

    public ValueTask SetVirtualCpuCountAsync(
        DomainIdentity domain, int count, bool isMaximum, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        DomainRules.CheckImpact(impact, "testDomainSetVcpusFlags", ErrorOrigin.Test);
        if (count is <= 0 or > MaxVcpus)
        {
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                $"requested cpu amount exceeds maximum supported amount ({count} > {MaxVcpus})");
        }

        return Change(domain, now =>
        {
            // The most that a running domain can have does not change.
            int possible = Split(impact).Min(part => isMaximum && part == DomainModificationImpact.Config ? MaxVcpus : now.Part(part).MaxVcpus);
            if (count > possible)
            {
                throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Test,
                    $"requested cpu amount exceeds maximum ({count} > {possible})");
            }

            return ChangeParts(now, impact, (part, definition) => isMaximum && part == DomainModificationImpact.Config
                ? definition with { MaxVcpus = count, Vcpus = Math.Min(definition.Vcpus, count) }
                : definition with { Vcpus = count });
        });
    }

    private static TestDomain ChangeParts(
        TestDomain now, DomainModificationImpact impact, Func<DomainModificationImpact, TestDefinition, TestDefinition> change)
    {
        // All or nothing: both have to be there.
        DomainModificationImpact[] parts = Split(impact);
        foreach (DomainModificationImpact part in parts)
            _ = now.Part(part);
        return parts.Aggregate(now, (changed, part) => changed.Change(part, definition => change(part, definition)));
    }

    /// <summary>What both at once comes to.</summary>
    private static DomainModificationImpact[] Split(DomainModificationImpact impact)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        return impact == both ? [DomainModificationImpact.Live, DomainModificationImpact.Config] : [impact];
    }

    private static LibvirtException UnknownMetadata(DomainMetadataType type) =>
        LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Domain, $"unknown metadata type '{(int)type}'");
}
