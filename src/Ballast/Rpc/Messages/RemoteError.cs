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
    // A text may quote what a client sent, and shall fit into the message all the same. What a daemon says is kept by who waits for it,
    // and may be shown many times: as much is enough.
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

    /// <summary>
    /// Whether the daemon's dispatcher answers, which found nobody to give the call to. What it says is for people, in the
    /// daemon's language; its numbers are always these. It says the same of arguments that it cannot read, which we do not send.
    /// </summary>
    private readonly bool IsUndispatched =>
        ((ErrorCode)Code, (ErrorOrigin)Origin, (ErrorLevel)Level) == (ErrorCode.Rpc, ErrorOrigin.Rpc, ErrorLevel.Error) && Domain is null && Network is null;

    /// <summary>
    /// The error as our callers get it. As with libvirt's own client, a procedure that the daemon does not know is "not
    /// supported", by which callers know to do without.
    /// </summary>
    /// <param name="call">What it answers; null where it is no answer.</param>
    public readonly LibvirtException ToException(RpcCall? call = null)
    {
        bool isUnknown = IsUndispatched && call is { IsOfOpening: false };
        return new(isUnknown ? ErrorCode.NoSupport : (ErrorCode)Code, (ErrorOrigin)Origin, Clip(Message) ?? "")
        {
            Level = (ErrorLevel)Level,
            Str1 = Clip(Str1),
            Str2 = Clip(Str2),
            Str3 = Clip(Str3),
            Int1 = Int1,
            Int2 = Int2,
            IsUnknownCall = isUnknown,
        };
    }

    private static string? Clip(string? text) => text is { Length: > MaxText } ? text[..MaxText] : text;
}
