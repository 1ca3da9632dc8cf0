namespace Ballast.Rpc.Messages;

/// <summary>DOMAIN_LOOKUP_BY_ID.</summary>
internal struct IdArgs : IXdrMessage<IdArgs>
{
    public int Id;

    public static void Layout<TCodec>(ref TCodec xdr, ref IdArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("id", ref message.Id);
    }
}

/// <summary>DOMAIN_LOOKUP_BY_NAME.</summary>
internal struct NameArgs : IXdrMessage<NameArgs>
{
    public string Name;

    public static void Layout<TCodec>(ref TCodec xdr, ref NameArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
    }
}

/// <summary>DOMAIN_LOOKUP_BY_UUID.</summary>
internal struct UuidArgs : IXdrMessage<UuidArgs>
{
    public Guid Uuid;

    public static void Layout<TCodec>(ref TCodec xdr, ref UuidArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Uuid("uuid", ref message.Uuid);
    }
}

/// <summary>Of the old calls that list: how many at most.</summary>
internal struct MaximumArgs : IXdrMessage<MaximumArgs>
{
    public int Maximum;

    public static void Layout<TCodec>(ref TCodec xdr, ref MaximumArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("maximum", ref message.Maximum);
    }
}

/// <summary>An id in a list.</summary>
internal struct DomainId : IXdrMessage<DomainId>
{
    public int Id;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainId message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("id", ref message.Id);
    }
}

/// <summary>A name in a list.</summary>
internal struct DomainName : IXdrMessage<DomainName>
{
    public string Name;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainName message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
    }
}

/// <summary>CONNECT_LIST_DOMAINS.</summary>
internal struct DomainIdsReply : IXdrMessage<DomainIdsReply>
{
    public DomainId[] Ids;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainIdsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("ids", ref message.Ids, RpcLimits.MaxDomains);
    }
}

/// <summary>CONNECT_LIST_DEFINED_DOMAINS.</summary>
internal struct DomainNamesReply : IXdrMessage<DomainNamesReply>
{
    public DomainName[] Names;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainNamesReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("names", ref message.Names, RpcLimits.MaxDomains);
    }
}

/// <summary>CONNECT_LIST_ALL_DOMAINS.</summary>
internal struct ListAllDomainsReply : IXdrMessage<ListAllDomainsReply>
{
    public RemoteDomain[] Domains;
    public uint Count;

    public static void Layout<TCodec>(ref TCodec xdr, ref ListAllDomainsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("domains", ref message.Domains, RpcLimits.MaxDomains);
        xdr.UInt("count", ref message.Count);
    }
}
