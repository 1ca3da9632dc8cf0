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

/// <summary>DOMAIN_GET_JOB_INFO.</summary>
internal struct JobInfoReply : IXdrMessage<JobInfoReply>
{
    public int Type;
    public ulong TimeElapsed;
    public ulong TimeRemaining;
    public ulong DataTotal;
    public ulong DataProcessed;
    public ulong DataRemaining;
    public ulong MemTotal;
    public ulong MemProcessed;
    public ulong MemRemaining;
    public ulong FileTotal;
    public ulong FileProcessed;
    public ulong FileRemaining;

    public static void Layout<TCodec>(ref TCodec xdr, ref JobInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("type", ref message.Type);
        xdr.UHyper("timeElapsed", ref message.TimeElapsed);
        xdr.UHyper("timeRemaining", ref message.TimeRemaining);
        xdr.UHyper("dataTotal", ref message.DataTotal);
        xdr.UHyper("dataProcessed", ref message.DataProcessed);
        xdr.UHyper("dataRemaining", ref message.DataRemaining);
        xdr.UHyper("memTotal", ref message.MemTotal);
        xdr.UHyper("memProcessed", ref message.MemProcessed);
        xdr.UHyper("memRemaining", ref message.MemRemaining);
        xdr.UHyper("fileTotal", ref message.FileTotal);
        xdr.UHyper("fileProcessed", ref message.FileProcessed);
        xdr.UHyper("fileRemaining", ref message.FileRemaining);
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

/// <summary>DOMAIN_GET_SCHEDULER_TYPE.</summary>
internal struct SchedulerTypeReply : IXdrMessage<SchedulerTypeReply>
{
    public string Type;
    public int Nparams;

    public static void Layout<TCodec>(ref TCodec xdr, ref SchedulerTypeReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("type", ref message.Type, RpcLimits.MaxString);
        xdr.Int("nparams", ref message.Nparams);
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

/// <summary>DOMAIN_GET_VCPUS.</summary>
internal struct VcpusArgs : IXdrMessage<VcpusArgs>
{
    public RemoteDomain Dom;
    public int Maxinfo;
    public int Maplen;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpusArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("maxinfo", ref message.Maxinfo);
        xdr.Int("maplen", ref message.Maplen);
    }
}

/// <summary>One virtual CPU; CPU time in nanoseconds.</summary>
internal struct VcpuInfo : IXdrMessage<VcpuInfo>
{
    public uint Number;
    public int State;
    public ulong CpuTime;
    public int Cpu;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpuInfo message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UInt("number", ref message.Number);
        xdr.Int("state", ref message.State);
        xdr.UHyper("cpuTime", ref message.CpuTime);
        xdr.Int("cpu", ref message.Cpu);
    }
}

/// <summary>DOMAIN_GET_VCPUS.</summary>
internal struct VcpusReply : IXdrMessage<VcpusReply>
{
    public VcpuInfo[] Info;
    public byte[] Cpumaps;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpusReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("info", ref message.Info, RpcLimits.MaxVcpus);
        xdr.Opaque("cpumaps", ref message.Cpumaps, RpcLimits.MaxCpuMaps);
    }
}

/// <summary>DOMAIN_GET_VCPU_PIN_INFO.</summary>
internal struct VcpuPinInfoArgs : IXdrMessage<VcpuPinInfoArgs>
{
    public RemoteDomain Dom;
    public int Ncpumaps;
    public int Maplen;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpuPinInfoArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("ncpumaps", ref message.Ncpumaps);
        xdr.Int("maplen", ref message.Maplen);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_GET_VCPU_PIN_INFO.</summary>
internal struct VcpuPinInfoReply : IXdrMessage<VcpuPinInfoReply>
{
    public byte[] Cpumaps;
    public int Num;

    public static void Layout<TCodec>(ref TCodec xdr, ref VcpuPinInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Opaque("cpumaps", ref message.Cpumaps, RpcLimits.MaxCpuMaps);
        xdr.Int("num", ref message.Num);
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
