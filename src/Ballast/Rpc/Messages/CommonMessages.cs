namespace Ballast.Rpc.Messages;

/// <summary>A domain; only the UUID selects it.</summary>
internal struct RemoteDomain : IXdrMessage<RemoteDomain>
{
    public string Name;
    public Guid Uuid;
    public int Id;

    public static void Layout<TCodec>(ref TCodec xdr, ref RemoteDomain message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
        xdr.Uuid("uuid", ref message.Uuid);
        xdr.Int("id", ref message.Id);
    }
}

/// <summary>Of calls about one domain.</summary>
internal struct DomainArgs : IXdrMessage<DomainArgs>
{
    public RemoteDomain Dom;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
    }
}

/// <summary>Of calls about one domain with flags.</summary>
internal struct DomainFlagsArgs : IXdrMessage<DomainFlagsArgs>
{
    public RemoteDomain Dom;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainFlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>Of calls with flags only.</summary>
internal struct FlagsArgs : IXdrMessage<FlagsArgs>
{
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref FlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>One domain.</summary>
internal struct DomainReply : IXdrMessage<DomainReply>
{
    public RemoteDomain Dom;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
    }
}

/// <summary>One text: a name, an XML, a URI.</summary>
internal struct TextReply : IXdrMessage<TextReply>
{
    public string Text;

    public static void Layout<TCodec>(ref TCodec xdr, ref TextReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("text", ref message.Text, RpcLimits.MaxString);
    }
}

/// <summary>One number of 32 bits, often a truth.</summary>
internal struct NumberReply : IXdrMessage<NumberReply>
{
    public int Number;

    public static void Layout<TCodec>(ref TCodec xdr, ref NumberReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("number", ref message.Number);
    }
}

/// <summary>One number of 64 bits: a version, an amount of memory.</summary>
internal struct ULongReply : IXdrMessage<ULongReply>
{
    public ulong Number;

    public static void Layout<TCodec>(ref TCodec xdr, ref ULongReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UHyper("number", ref message.Number);
    }
}
