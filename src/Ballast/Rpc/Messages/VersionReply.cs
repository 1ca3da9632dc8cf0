namespace Ballast.Rpc.Messages;

/// <summary>VERSION.</summary>
internal struct VersionReply : IXdrMessage<VersionReply>
{
    public string Version;

    public static void Layout<TCodec>(ref TCodec xdr, ref VersionReply message)
        where TCodec : IXdrCodec, allows ref struct => xdr.String("version", ref message.Version, RpcLimits.MaxDetail);
}
