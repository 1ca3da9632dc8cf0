namespace Ballast.Rpc.Messages;

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
