namespace Ballast.Rpc.Messages;

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

/// <summary>DOMAIN_BLOCK_STATS.</summary>
internal struct BlockStatsArgs : IXdrMessage<BlockStatsArgs>
{
    public RemoteDomain Dom;
    public string Path;

    public static void Layout<TCodec>(ref TCodec xdr, ref BlockStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.String("path", ref message.Path, RpcLimits.MaxString);
    }
}

/// <summary>DOMAIN_BLOCK_STATS; −1 is unknown.</summary>
internal struct BlockStatsReply : IXdrMessage<BlockStatsReply>
{
    public long RdReq;
    public long RdBytes;
    public long WrReq;
    public long WrBytes;
    public long Errs;

    public static void Layout<TCodec>(ref TCodec xdr, ref BlockStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Hyper("rdReq", ref message.RdReq);
        xdr.Hyper("rdBytes", ref message.RdBytes);
        xdr.Hyper("wrReq", ref message.WrReq);
        xdr.Hyper("wrBytes", ref message.WrBytes);
        xdr.Hyper("errs", ref message.Errs);
    }
}

/// <summary>DOMAIN_GET_BLOCK_INFO.</summary>
internal struct BlockInfoArgs : IXdrMessage<BlockInfoArgs>
{
    public RemoteDomain Dom;
    public string Path;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref BlockInfoArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.String("path", ref message.Path, RpcLimits.MaxString);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_GET_BLOCK_INFO, in bytes.</summary>
internal struct BlockInfoReply : IXdrMessage<BlockInfoReply>
{
    public ulong Allocation;
    public ulong Capacity;
    public ulong Physical;

    public static void Layout<TCodec>(ref TCodec xdr, ref BlockInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UHyper("allocation", ref message.Allocation);
        xdr.UHyper("capacity", ref message.Capacity);
        xdr.UHyper("physical", ref message.Physical);
    }
}

/// <summary>DOMAIN_INTERFACE_STATS.</summary>
internal struct InterfaceStatsArgs : IXdrMessage<InterfaceStatsArgs>
{
    public RemoteDomain Dom;
    public string Device;

    public static void Layout<TCodec>(ref TCodec xdr, ref InterfaceStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.String("device", ref message.Device, RpcLimits.MaxString);
    }
}

/// <summary>DOMAIN_INTERFACE_STATS, as the guest sees it; −1 is unknown.</summary>
internal struct InterfaceStatsReply : IXdrMessage<InterfaceStatsReply>
{
    public long RxBytes;
    public long RxPackets;
    public long RxErrs;
    public long RxDrop;
    public long TxBytes;
    public long TxPackets;
    public long TxErrs;
    public long TxDrop;

    public static void Layout<TCodec>(ref TCodec xdr, ref InterfaceStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Hyper("rxBytes", ref message.RxBytes);
        xdr.Hyper("rxPackets", ref message.RxPackets);
        xdr.Hyper("rxErrs", ref message.RxErrs);
        xdr.Hyper("rxDrop", ref message.RxDrop);
        xdr.Hyper("txBytes", ref message.TxBytes);
        xdr.Hyper("txPackets", ref message.TxPackets);
        xdr.Hyper("txErrs", ref message.TxErrs);
        xdr.Hyper("txDrop", ref message.TxDrop);
    }
}

/// <summary>DOMAIN_BLOCK_STATS_FLAGS.</summary>
internal struct BlockStatsFlagsArgs : IXdrMessage<BlockStatsFlagsArgs>
{
    public RemoteDomain Dom;
    public string Path;
    public int Nparams;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref BlockStatsFlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.String("path", ref message.Path, RpcLimits.MaxString);
        xdr.Int("nparams", ref message.Nparams);
        xdr.UInt("flags", ref message.Flags);
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

/// <summary>DOMAIN_GET_JOB_STATS.</summary>
internal struct JobStatsReply : IXdrMessage<JobStatsReply>
{
    public int Type;
    public RemoteParameter[] Params;

    public static void Layout<TCodec>(ref TCodec xdr, ref JobStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("type", ref message.Type);
        xdr.Array("params", ref message.Params, RpcLimits.MaxJobParameters);
    }
}

/// <summary>CONNECT_GET_CPU_MODEL_NAMES.</summary>
internal struct CpuModelsArgs : IXdrMessage<CpuModelsArgs>
{
    public string Arch;
    public int NeedResults;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuModelsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("arch", ref message.Arch, RpcLimits.MaxString);
        xdr.Int("needResults", ref message.NeedResults);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>A name in a list.</summary>
internal struct CpuModelName : IXdrMessage<CpuModelName>
{
    public string Name;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuModelName message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
    }
}

/// <summary>CONNECT_GET_CPU_MODEL_NAMES.</summary>
internal struct CpuModelsReply : IXdrMessage<CpuModelsReply>
{
    public CpuModelName[] Models;
    public int Ret;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuModelsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("models", ref message.Models, RpcLimits.MaxCpuModels);
        xdr.Int("ret", ref message.Ret);
    }
}

/// <summary>KiB.</summary>
internal struct PageSize : IXdrMessage<PageSize>
{
    public uint Size;

    public static void Layout<TCodec>(ref TCodec xdr, ref PageSize message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UInt("size", ref message.Size);
    }
}

/// <summary>NODE_GET_FREE_PAGES.</summary>
internal struct FreePagesArgs : IXdrMessage<FreePagesArgs>
{
    public PageSize[] Pages;
    public int StartCell;
    public uint CellCount;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref FreePagesArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("pages", ref message.Pages, RpcLimits.MaxNodeCells);
        xdr.Int("startCell", ref message.StartCell);
        xdr.UInt("cellCount", ref message.CellCount);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>Free pages of one size.</summary>
internal struct PageCount : IXdrMessage<PageCount>
{
    public ulong Count;

    public static void Layout<TCodec>(ref TCodec xdr, ref PageCount message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UHyper("count", ref message.Count);
    }
}

/// <summary>NODE_GET_FREE_PAGES: of each size, of each cell.</summary>
internal struct FreePagesReply : IXdrMessage<FreePagesReply>
{
    public PageCount[] Counts;

    public static void Layout<TCodec>(ref TCodec xdr, ref FreePagesReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("counts", ref message.Counts, RpcLimits.MaxNodeCells);
    }
}

/// <summary>DOMAIN_START_DIRTY_RATE_CALC.</summary>
internal struct DirtyRateArgs : IXdrMessage<DirtyRateArgs>
{
    public RemoteDomain Dom;
    public int Seconds;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref DirtyRateArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("seconds", ref message.Seconds);
        xdr.UInt("flags", ref message.Flags);
    }
}
