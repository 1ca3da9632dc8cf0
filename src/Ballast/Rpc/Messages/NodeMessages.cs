namespace Ballast.Rpc.Messages;

/// <summary>NODE_GET_INFO: memory in KiB.</summary>
internal struct NodeInfoReply : IXdrMessage<NodeInfoReply>
{
    public string Model;
    public ulong Memory;
    public int Cpus;
    public int Mhz;
    public int Nodes;
    public int Sockets;
    public int Cores;
    public int Threads;

    public static void Layout<TCodec>(ref TCodec xdr, ref NodeInfoReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.FixedChars("model", ref message.Model, RpcLimits.NodeModel);
        xdr.UHyper("memory", ref message.Memory);
        xdr.Int("cpus", ref message.Cpus);
        xdr.Int("mhz", ref message.Mhz);
        xdr.Int("nodes", ref message.Nodes);
        xdr.Int("sockets", ref message.Sockets);
        xdr.Int("cores", ref message.Cores);
        xdr.Int("threads", ref message.Threads);
    }
}

/// <summary>NODE_GET_MEMORY_STATS; the count comes first, unlike for the processors.</summary>
internal struct NodeMemoryStatsArgs : IXdrMessage<NodeMemoryStatsArgs>
{
    public int Nparams;
    public int CellNum;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref NodeMemoryStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("nparams", ref message.Nparams);
        xdr.Int("cellNum", ref message.CellNum);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>NODE_GET_CPU_STATS.</summary>
internal struct NodeCpuStatsArgs : IXdrMessage<NodeCpuStatsArgs>
{
    public int CpuNum;
    public int Nparams;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref NodeCpuStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("cpuNum", ref message.CpuNum);
        xdr.Int("nparams", ref message.Nparams);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>A statistic of the host.</summary>
internal struct NodeStatEntry : IXdrMessage<NodeStatEntry>
{
    public string Field;
    public ulong Value;

    public static void Layout<TCodec>(ref TCodec xdr, ref NodeStatEntry message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("field", ref message.Field, RpcLimits.MaxString);
        xdr.UHyper("value", ref message.Value);
    }
}

/// <summary>NODE_GET_MEMORY_STATS, NODE_GET_CPU_STATS.</summary>
internal struct NodeStatsReply : IXdrMessage<NodeStatsReply>
{
    public NodeStatEntry[] Params;
    public int Nparams;

    public static void Layout<TCodec>(ref TCodec xdr, ref NodeStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("params", ref message.Params, RpcLimits.MaxNodeStats);
        xdr.Int("nparams", ref message.Nparams);
    }
}

/// <summary>NODE_GET_CELLS_FREE_MEMORY.</summary>
internal struct CellsArgs : IXdrMessage<CellsArgs>
{
    public int StartCell;
    public int Maxcells;

    public static void Layout<TCodec>(ref TCodec xdr, ref CellsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("startCell", ref message.StartCell);
        xdr.Int("maxcells", ref message.Maxcells);
    }
}

/// <summary>Bytes.</summary>
internal struct CellMemory : IXdrMessage<CellMemory>
{
    public ulong Free;

    public static void Layout<TCodec>(ref TCodec xdr, ref CellMemory message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.UHyper("free", ref message.Free);
    }
}

/// <summary>NODE_GET_CELLS_FREE_MEMORY.</summary>
internal struct CellsReply : IXdrMessage<CellsReply>
{
    public CellMemory[] Cells;

    public static void Layout<TCodec>(ref TCodec xdr, ref CellsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("cells", ref message.Cells, RpcLimits.MaxNodeCells);
    }
}

/// <summary>NODE_GET_CPU_MAP.</summary>
internal struct CpuMapArgs : IXdrMessage<CpuMapArgs>
{
    public int NeedMap;
    public int NeedOnline;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuMapArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("needMap", ref message.NeedMap);
        xdr.Int("needOnline", ref message.NeedOnline);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>NODE_GET_CPU_MAP.</summary>
internal struct CpuMapReply : IXdrMessage<CpuMapReply>
{
    public byte[] Cpumap;
    public uint Online;
    public int Ret;

    public static void Layout<TCodec>(ref TCodec xdr, ref CpuMapReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Opaque("cpumap", ref message.Cpumap, RpcLimits.MaxNodeCpuMap);
        xdr.UInt("online", ref message.Online);
        xdr.Int("ret", ref message.Ret);
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
