namespace Ballast.Rpc.Messages;

/// <summary>CONNECT_OPEN. Absent names are refused by servers, empty ones mean their default.</summary>
internal struct OpenArgs : IXdrMessage<OpenArgs>
{
    public string? Name;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref OpenArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.OptionalString("name", ref message.Name, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>SUPPORTS_FEATURE.</summary>
internal struct FeatureArgs : IXdrMessage<FeatureArgs>
{
    public int Feature;

    public static void Layout<TCodec>(ref TCodec xdr, ref FeatureArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("feature", ref message.Feature);
    }
}

/// <summary>A way to authenticate: 0 none, 1 SASL, 2 polkit.</summary>
internal struct AuthType : IXdrMessage<AuthType>
{
    public int Type;

    public static void Layout<TCodec>(ref TCodec xdr, ref AuthType message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("type", ref message.Type);
    }
}

/// <summary>AUTH_LIST.</summary>
internal struct AuthListReply : IXdrMessage<AuthListReply>
{
    public AuthType[] Types;

    public static void Layout<TCodec>(ref TCodec xdr, ref AuthListReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("types", ref message.Types, RpcLimits.MaxAuthTypes);
    }
}

/// <summary>CONNECT_GET_MAX_VCPUS.</summary>
internal struct MaxVcpusArgs : IXdrMessage<MaxVcpusArgs>
{
    public string? Type;

    public static void Layout<TCodec>(ref TCodec xdr, ref MaxVcpusArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.OptionalString("type", ref message.Type, RpcLimits.MaxString);
    }
}

/// <summary>A storage pool; ours has none.</summary>
internal struct StoragePool : IXdrMessage<StoragePool>
{
    public string Name;
    public Guid Uuid;

    public static void Layout<TCodec>(ref TCodec xdr, ref StoragePool message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
        xdr.Uuid("uuid", ref message.Uuid);
    }
}

/// <summary>Of calls that list everything, or only count it.</summary>
internal struct ListAllArgs : IXdrMessage<ListAllArgs>
{
    public bool NeedResults;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref ListAllArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Bool("needResults", ref message.NeedResults);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>CONNECT_LIST_ALL_STORAGE_POOLS.</summary>
internal struct StoragePoolsReply : IXdrMessage<StoragePoolsReply>
{
    public StoragePool[] Pools;
    public uint Count;

    public static void Layout<TCodec>(ref TCodec xdr, ref StoragePoolsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("pools", ref message.Pools, RpcLimits.MaxStoragePools);
        xdr.UInt("count", ref message.Count);
    }
}

/// <summary>CONNECT_EVENT_CONNECTION_CLOSED.</summary>
internal struct ConnectionClosedEvent : IXdrMessage<ConnectionClosedEvent>
{
    public int Reason;

    public static void Layout<TCodec>(ref TCodec xdr, ref ConnectionClosedEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("reason", ref message.Reason);
    }
}
