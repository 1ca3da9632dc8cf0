namespace Ballast.Rpc.Messages;

/// <summary>A network, which errors may name; never sent by anybody we know.</summary>
internal struct RemoteNetwork : IXdrMessage<RemoteNetwork>
{
    public string Name;
    public Guid Uuid;

    public static void Layout<TCodec>(ref TCodec xdr, ref RemoteNetwork message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("name", ref message.Name, RpcLimits.MaxString);
        xdr.Uuid("uuid", ref message.Uuid);
    }
}

/// <summary>libvirt's error, as a reply with status 1 carries it.</summary>
internal struct RemoteError : IXdrMessage<RemoteError>
{
    private const string UnknownProcedure = "unknown procedure: ";

    // A text may quote what a client sent, and shall fit into the message all the same.
    private const int MaxText = 64 * 1024;

    public int Code;
    public int Origin;
    public string? Message;
    public int Level;
    public RemoteDomain? Domain;
    public string? Str1;
    public string? Str2;
    public string? Str3;
    public int Int1;
    public int Int2;
    public RemoteNetwork? Network;

    public static void Layout<TCodec>(ref TCodec xdr, ref RemoteError message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("code", ref message.Code);
        xdr.Int("domain", ref message.Origin);
        xdr.OptionalString("message", ref message.Message, RpcLimits.MaxString);
        xdr.Int("level", ref message.Level);
        xdr.Optional("dom", ref message.Domain);
        xdr.OptionalString("str1", ref message.Str1, RpcLimits.MaxString);
        xdr.OptionalString("str2", ref message.Str2, RpcLimits.MaxString);
        xdr.OptionalString("str3", ref message.Str3, RpcLimits.MaxString);
        xdr.Int("int1", ref message.Int1);
        xdr.Int("int2", ref message.Int2);
        xdr.Optional("net", ref message.Network);
    }

    public static RemoteError From(LibvirtException error) => new()
    {
        Code = (int)error.Code,
        Origin = (int)error.Origin,
        Message = Clip(error.Message),
        Level = (int)error.Level,
        Str1 = Clip(error.Str1),
        Str2 = Clip(error.Str2),
        Str3 = Clip(error.Str3),
        Int1 = error.Int1,
        Int2 = error.Int2,
    };

    /// <summary>As libvirt's own client, "unknown procedure" becomes "not supported", by which callers know to do without.</summary>
    public readonly LibvirtException ToException()
    {
        ErrorCode code = (ErrorCode)Code == ErrorCode.Rpc && Message?.StartsWith(UnknownProcedure, StringComparison.Ordinal) == true
            ? ErrorCode.NoSupport
            : (ErrorCode)Code;
        return new(code, (ErrorOrigin)Origin, Message ?? "")
        {
            Level = (ErrorLevel)Level,
            Str1 = Str1,
            Str2 = Str2,
            Str3 = Str3,
            Int1 = Int1,
            Int2 = Int2,
        };
    }
    private static string? Clip(string? text) => text is { Length: > MaxText } ? text[..MaxText] : text;
}
