namespace Ballast.Rpc.Messages;

/// <summary>CONNECT_GET_ALL_DOMAIN_STATS.</summary>
internal struct AllStatsArgs : IXdrMessage<AllStatsArgs>
{
    public RemoteDomain[] Doms;
    public uint Stats;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref AllStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("doms", ref message.Doms, RpcLimits.MaxDomains);
        xdr.UInt("stats", ref message.Stats);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>The fields of one domain.</summary>
internal struct StatsRecord : IXdrMessage<StatsRecord>
{
    public RemoteDomain Dom;
    public RemoteParameter[] Params;

    public static void Layout<TCodec>(ref TCodec xdr, ref StatsRecord message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Array("params", ref message.Params, RpcLimits.MaxStatsParameters);
    }
}

/// <summary>CONNECT_GET_ALL_DOMAIN_STATS.</summary>
internal struct AllStatsReply : IXdrMessage<AllStatsReply>
{
    public StatsRecord[] RetStats;

    public static void Layout<TCodec>(ref TCodec xdr, ref AllStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("retStats", ref message.RetStats, RpcLimits.MaxDomains);
    }
}

/// <summary>DOMAIN_GET_MEMORY_PARAMETERS.</summary>
internal struct ParametersReply : IXdrMessage<ParametersReply>
{
    public RemoteParameter[] Params;
    public int Nparams;

    public static void Layout<TCodec>(ref TCodec xdr, ref ParametersReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("params", ref message.Params, RpcLimits.MaxMemoryParameters);
        xdr.Int("nparams", ref message.Nparams);
    }
}
