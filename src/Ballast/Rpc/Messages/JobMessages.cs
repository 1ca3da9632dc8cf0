namespace Ballast.Rpc.Messages;

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
