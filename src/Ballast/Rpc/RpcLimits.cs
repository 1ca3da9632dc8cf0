namespace Ballast.Rpc;

/// <summary>libvirt's limits of its protocol, and ours where it has none.</summary>
internal static class RpcLimits
{
    /// <summary>The length word itself.</summary>
    public const int LengthBytes = 4;

    /// <summary>The header behind the length word.</summary>
    public const int HeaderBytes = 24;

    /// <summary>The largest message, its length word included.</summary>
    public const int MaxFrameBytes = 33554432 + LengthBytes;

    public const int MaxString = 4194304;

    public const int MaxDomains = 16384;

    public const int MaxMemoryStats = 1024;

    public const int MaxStatsParameters = 262144;

    public const int MaxNodeStats = 16;

    public const int MaxNodeCells = 1024;

    public const int MaxMemoryParameters = 16;

    /// <summary>Of a scheduler, of NUMA, and of a disk.</summary>
    public const int MaxParameters = 16;

    public const int MaxJobParameters = 64;

    public const int MaxCpuParameters = 2048;

    /// <summary>CPUs of the host of which a domain's time is told in one message.</summary>
    public const int MaxCpusOfStats = 128;

    public const int MaxCpuModels = 8192;

    public const int MaxAuthTypes = 20;

    /// <summary>Bytes of one message of a SASL mechanism.</summary>
    public const int MaxSaslData = 65536;

    public const int MaxSecurityLabel = 4097;

    public const int MaxSecurityModel = 257;

    public const int MaxVcpus = 16384;

    public const int MaxCpuMaps = 8388608;

    public const int MaxNodeCpuMap = 2048;

    public const int MaxMessages = 2048;

    public const int MaxStoragePools = 4096;

    /// <summary>Characters of a processor's model, the final NUL included.</summary>
    public const int NodeModel = 32;

    /// <summary>Detail texts of our own program.</summary>
    public const int MaxDetail = 65536;
}
