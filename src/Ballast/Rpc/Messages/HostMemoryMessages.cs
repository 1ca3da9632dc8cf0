namespace Ballast.Rpc.Messages;

/// <summary>A fact by its number. A number that this version does not know is skipped, and one that is not there is not known.</summary>
internal struct NumberedFact : IXdrMessage<NumberedFact>
{
    public int Fact;
    public ulong Value;

    public static void Layout<TCodec>(ref TCodec xdr, ref NumberedFact message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("fact", ref message.Fact);
        xdr.UHyper("value", ref message.Value);
    }
}

/// <summary>HOST_MEMORY.</summary>
internal struct HostMemoryArgs : IXdrMessage<HostMemoryArgs>
{
    public string? Group;

    public static void Layout<TCodec>(ref TCodec xdr, ref HostMemoryArgs message)
        where TCodec : IXdrCodec, allows ref struct => xdr.OptionalString("group", ref message.Group, RpcLimits.MaxDetail);
}

/// <summary>HOST_MEMORY: <see cref="HostMemoryFacts"/> says what each number means.</summary>
internal struct HostMemoryReply : IXdrMessage<HostMemoryReply>
{
    public NumberedFact[] Facts;

    public static void Layout<TCodec>(ref TCodec xdr, ref HostMemoryReply message)
        where TCodec : IXdrCodec, allows ref struct => xdr.Array("facts", ref message.Facts, RpcLimits.MaxMemoryStats);
}

/// <summary>PROCESS_MEMORY.</summary>
internal struct ProcessMemoryArgs : IXdrMessage<ProcessMemoryArgs>
{
    public RemoteDomain[] Doms;

    public static void Layout<TCodec>(ref TCodec xdr, ref ProcessMemoryArgs message)
        where TCodec : IXdrCodec, allows ref struct => xdr.Array("doms", ref message.Doms, RpcLimits.MaxDomains);
}

/// <summary>One domain's process: <see cref="HostMemoryFacts"/> says what each number means.</summary>
internal struct ProcessMemoryRecord : IXdrMessage<ProcessMemoryRecord>
{
    public RemoteDomain Dom;
    public NumberedFact[] Facts;
    public string? Group;

    public static void Layout<TCodec>(ref TCodec xdr, ref ProcessMemoryRecord message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Array("facts", ref message.Facts, RpcLimits.MaxMemoryStats);
        xdr.OptionalString("group", ref message.Group, RpcLimits.MaxDetail);
    }
}

/// <summary>PROCESS_MEMORY.</summary>
internal struct ProcessMemoryReply : IXdrMessage<ProcessMemoryReply>
{
    public ProcessMemoryRecord[] Processes;

    public static void Layout<TCodec>(ref TCodec xdr, ref ProcessMemoryReply message)
        where TCodec : IXdrCodec, allows ref struct => xdr.Array("processes", ref message.Processes, RpcLimits.MaxDomains);
}
