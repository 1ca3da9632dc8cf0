namespace Ballast.Rpc.Messages;

/// <summary>DOMAIN_MEMORY_STATS.</summary>
internal struct MemoryStatsArgs : IXdrMessage<MemoryStatsArgs>
{
    public RemoteDomain Dom;
    public uint MaxStats;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref MemoryStatsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UInt("maxStats", ref message.MaxStats);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>A statistic: tag and value.</summary>
internal struct MemoryStatEntry : IXdrMessage<MemoryStatEntry>
{
    public int Tag;
    public ulong Value;

    public static void Layout<TCodec>(ref TCodec xdr, ref MemoryStatEntry message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("tag", ref message.Tag);
        xdr.UHyper("value", ref message.Value);
    }
}

/// <summary>DOMAIN_MEMORY_STATS.</summary>
internal struct MemoryStatsReply : IXdrMessage<MemoryStatsReply>
{
    public MemoryStatEntry[] Stats;

    public static void Layout<TCodec>(ref TCodec xdr, ref MemoryStatsReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Array("stats", ref message.Stats, RpcLimits.MaxMemoryStats);
    }
}

/// <summary>DOMAIN_SET_MEMORY_STATS_PERIOD: seconds.</summary>
internal struct PeriodArgs : IXdrMessage<PeriodArgs>
{
    public RemoteDomain Dom;
    public int Period;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref PeriodArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("period", ref message.Period);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_SET_MEMORY, DOMAIN_SET_MAX_MEMORY: KiB.</summary>
internal struct MemoryArgs : IXdrMessage<MemoryArgs>
{
    public RemoteDomain Dom;
    public ulong Memory;

    public static void Layout<TCodec>(ref TCodec xdr, ref MemoryArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UHyper("memory", ref message.Memory);
    }
}

/// <summary>DOMAIN_SET_MEMORY_FLAGS: KiB.</summary>
internal struct MemoryFlagsArgs : IXdrMessage<MemoryFlagsArgs>
{
    public RemoteDomain Dom;
    public ulong Memory;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref MemoryFlagsArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UHyper("memory", ref message.Memory);
        xdr.UInt("flags", ref message.Flags);
    }
}

/// <summary>DOMAIN_GET_MEMORY_PARAMETERS.</summary>
internal struct ParametersArgs : IXdrMessage<ParametersArgs>
{
    public RemoteDomain Dom;
    public int Nparams;
    public uint Flags;

    public static void Layout<TCodec>(ref TCodec xdr, ref ParametersArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("nparams", ref message.Nparams);
        xdr.UInt("flags", ref message.Flags);
    }
}
