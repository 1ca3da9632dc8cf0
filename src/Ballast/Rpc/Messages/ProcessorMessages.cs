namespace Ballast.Rpc.Messages;

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

/// <summary>DOMAIN_GET_CPU_STATS; from CPU −1 on: of all together.</summary>
internal struct CpuStatsArgs : IXdrMessage<CpuStatsArgs>
{
    public RemoteDomain Dom;
    public uint Nparams;
    public int StartCpu;
    public uint Ncpus;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("nparams", ref message.Nparams);
        xdr.Int("startCpu", ref message.StartCpu);
        xdr.UInt("ncpus", ref message.Ncpus);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_GET_CPU_STATS: one CPU's parameters after another's.</summary>
internal struct CpuStatsReply : IXdrMessage<CpuStatsReply>
{
    public RemoteParameter[] Params;
    public int Nparams;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("params", ref message.Params, RpcLimits.MaxCpuParameters);
        xdr.Int("nparams", ref message.Nparams);
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

/// <summary>DOMAIN_GET_SCHEDULER_PARAMETERS.</summary>
internal struct SchedulerParametersArgs : IXdrMessage<SchedulerParametersArgs>
{
    public RemoteDomain Dom;
    public int Nparams;

    public static void Layout<TCodec>(ref TCodec xdr, ref SchedulerParametersArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("nparams", ref message.Nparams);
    }
}

/// <summary>DOMAIN_GET_SCHEDULER_PARAMETERS, and the same with flags.</summary>
internal struct SchedulerParametersReply : IXdrMessage<SchedulerParametersReply>
{
    public RemoteParameter[] Params;

    public static void Layout<TCodec>(ref TCodec xdr, ref SchedulerParametersReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("params", ref message.Params, RpcLimits.MaxParameters);
    }
}
