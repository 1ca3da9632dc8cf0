namespace Ballast.Rpc.Messages;

/// <summary>DOMAIN_DEFINE_XML.</summary>
internal struct XmlArgs : IXdrMessage<XmlArgs>
{
    public string Xml;

    public static void Layout<TCodec>(ref TCodec xdr, ref XmlArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("xml", ref message.Xml, RpcLimits.MaxString);
    }
}

/// <summary>DOMAIN_DEFINE_XML_FLAGS, DOMAIN_CREATE_XML.</summary>
internal struct XmlFlagsArgs : IXdrMessage<XmlFlagsArgs>
{
    public string Xml;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref XmlFlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("xml", ref message.Xml, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_SET_AUTOSTART.</summary>
internal struct AutostartArgs : IXdrMessage<AutostartArgs>
{
    public RemoteDomain Dom;
    public int Autostart;

    public static void Layout<TCodec>(ref TCodec xdr, ref AutostartArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("autostart", ref message.Autostart);
    }
}

/// <summary>DOMAIN_SET_VCPUS.</summary>
internal struct VcpuCountArgs : IXdrMessage<VcpuCountArgs>
{
    public RemoteDomain Dom;
    public uint Nvcpus;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpuCountArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("nvcpus", ref message.Nvcpus);
    }
}

/// <summary>DOMAIN_SET_VCPUS_FLAGS.</summary>
internal struct VcpuCountFlagsArgs : IXdrMessage<VcpuCountFlagsArgs>
{
    public RemoteDomain Dom;
    public uint Nvcpus;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpuCountFlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("nvcpus", ref message.Nvcpus);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_SET_METADATA.</summary>
internal struct SetMetadataArgs : IXdrMessage<SetMetadataArgs>
{
    public RemoteDomain Dom;
    public int Type;
    public string? Metadata;
    public string? Key;
    public string? Uri;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref SetMetadataArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("type", ref message.Type);
        xdr.OptionalString("metadata", ref message.Metadata, RpcLimits.MaxString);
        xdr.OptionalString("key", ref message.Key, RpcLimits.MaxString);
        xdr.OptionalString("uri", ref message.Uri, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_RENAME.</summary>
internal struct RenameArgs : IXdrMessage<RenameArgs>
{
    public RemoteDomain Dom;
    public string? NewName;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref RenameArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.OptionalString("new_name", ref message.NewName, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}
