namespace Ballast.Rpc.Messages;

/// <summary>DOMAIN_GET_INFO: memory in KiB, CPU time in nanoseconds.</summary>
internal struct DomainInfoReply : IXdrMessage<DomainInfoReply>
{
    public uint State;
    public ulong MaxMem;
    public ulong Memory;
    public uint NrVirtCpu;
    public ulong CpuTime;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UInt("state", ref message.State);
        xdr.UHyper("maxMem", ref message.MaxMem);
        xdr.UHyper("memory", ref message.Memory);
        xdr.UInt("nrVirtCpu", ref message.NrVirtCpu);
        xdr.UHyper("cpuTime", ref message.CpuTime);
    }
}

/// <summary>DOMAIN_GET_STATE.</summary>
internal struct DomainStateReply : IXdrMessage<DomainStateReply>
{
    public int State;
    public int Reason;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainStateReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("state", ref message.State);
        xdr.Int("reason", ref message.Reason);
    }
}

/// <summary>DOMAIN_GET_CONTROL_INFO: state 0 is well.</summary>
internal struct ControlInfoReply : IXdrMessage<ControlInfoReply>
{
    public uint State;
    public uint Details;
    public ulong StateTime;

    public static void Layout<TCodec>(ref TCodec xdr, ref ControlInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UInt("state", ref message.State);
        xdr.UInt("details", ref message.Details);
        xdr.UHyper("stateTime", ref message.StateTime);
    }
}

/// <summary>DOMAIN_GET_METADATA.</summary>
internal struct MetadataArgs : IXdrMessage<MetadataArgs>
{
    public RemoteDomain Dom;
    public int Type;
    public string? Uri;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref MetadataArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("type", ref message.Type);
        xdr.OptionalString("uri", ref message.Uri, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_GET_SECURITY_LABEL.</summary>
internal struct SecurityLabelReply : IXdrMessage<SecurityLabelReply>
{
    public string Label;
    public int Enforcing;

    public static void Layout<TCodec>(ref TCodec xdr, ref SecurityLabelReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Chars("label", ref message.Label, RpcLimits.MaxSecurityLabel);
        xdr.Int("enforcing", ref message.Enforcing);
    }
}

/// <summary>NODE_GET_SECURITY_MODEL.</summary>
internal struct SecurityModelReply : IXdrMessage<SecurityModelReply>
{
    public string Model;
    public string Doi;

    public static void Layout<TCodec>(ref TCodec xdr, ref SecurityModelReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Chars("model", ref message.Model, RpcLimits.MaxSecurityModel);
        xdr.Chars("doi", ref message.Doi, RpcLimits.MaxSecurityModel);
    }
}

/// <summary>A text in a list.</summary>
internal struct DomainMessage : IXdrMessage<DomainMessage>
{
    public string Text;

    public static void Layout<TCodec>(ref TCodec xdr, ref DomainMessage message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("text", ref message.Text, RpcLimits.MaxString);
    }
}

/// <summary>DOMAIN_GET_MESSAGES.</summary>
internal struct MessagesReply : IXdrMessage<MessagesReply>
{
    public DomainMessage[] Msgs;

    public static void Layout<TCodec>(ref TCodec xdr, ref MessagesReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("msgs", ref message.Msgs, RpcLimits.MaxMessages);
    }
}
