namespace Ballast.Rpc.Messages;

/// <summary>Of the old calls that register for events.</summary>
internal struct EventIdArgs : IXdrMessage<EventIdArgs>
{
    public int EventID;

    public static void Layout<TCodec>(ref TCodec xdr, ref EventIdArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("eventID", ref message.EventID);
    }
}

/// <summary>CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY.</summary>
internal struct RegisterArgs : IXdrMessage<RegisterArgs>
{
    public int EventID;
    public RemoteDomain? Dom;

    public static void Layout<TCodec>(ref TCodec xdr, ref RegisterArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("eventID", ref message.EventID);
        xdr.Optional("dom", ref message.Dom);
    }
}

/// <summary>CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY; and what registering answers.</summary>
internal struct CallbackArgs : IXdrMessage<CallbackArgs>
{
    public int CallbackID;

    public static void Layout<TCodec>(ref TCodec xdr, ref CallbackArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("callbackID", ref message.CallbackID);
    }
}

/// <summary>DOMAIN_EVENT_LIFECYCLE.</summary>
internal struct LifecycleEvent : IXdrMessage<LifecycleEvent>
{
    public RemoteDomain Dom;
    public int Event;
    public int Detail;

    public static void Layout<TCodec>(ref TCodec xdr, ref LifecycleEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("event", ref message.Event);
        xdr.Int("detail", ref message.Detail);
    }
}

/// <summary>DOMAIN_EVENT_REBOOT.</summary>
internal struct RebootEvent : IXdrMessage<RebootEvent>
{
    public RemoteDomain Dom;

    public static void Layout<TCodec>(ref TCodec xdr, ref RebootEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
    }
}

/// <summary>DOMAIN_EVENT_BALLOON_CHANGE: KiB.</summary>
internal struct BalloonEvent : IXdrMessage<BalloonEvent>
{
    public RemoteDomain Dom;
    public ulong Actual;

    public static void Layout<TCodec>(ref TCodec xdr, ref BalloonEvent message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Struct("dom", ref message.Dom);
        xdr.UHyper("actual", ref message.Actual);
    }
}

/// <summary>DOMAIN_EVENT_CALLBACK_LIFECYCLE.</summary>
internal struct LifecycleCallback : IXdrMessage<LifecycleCallback>
{
    public int CallbackID;
    public LifecycleEvent Msg;

    public static void Layout<TCodec>(ref TCodec xdr, ref LifecycleCallback message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("callbackID", ref message.CallbackID);
        xdr.Struct("msg", ref message.Msg);
    }
}

/// <summary>DOMAIN_EVENT_CALLBACK_REBOOT.</summary>
internal struct RebootCallback : IXdrMessage<RebootCallback>
{
    public int CallbackID;
    public RebootEvent Msg;

    public static void Layout<TCodec>(ref TCodec xdr, ref RebootCallback message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("callbackID", ref message.CallbackID);
        xdr.Struct("msg", ref message.Msg);
    }
}

/// <summary>DOMAIN_EVENT_CALLBACK_BALLOON_CHANGE.</summary>
internal struct BalloonCallback : IXdrMessage<BalloonCallback>
{
    public int CallbackID;
    public BalloonEvent Msg;

    public static void Layout<TCodec>(ref TCodec xdr, ref BalloonCallback message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("callbackID", ref message.CallbackID);
        xdr.Struct("msg", ref message.Msg);
    }
}

/// <summary>DOMAIN_EVENT_CALLBACK_METADATA_CHANGE.</summary>
internal struct MetadataCallback : IXdrMessage<MetadataCallback>
{
    public int CallbackID;
    public RemoteDomain Dom;
    public int Type;
    public string? NamespaceUri;

    public static void Layout<TCodec>(ref TCodec xdr, ref MetadataCallback message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("callbackID", ref message.CallbackID);
        xdr.Struct("dom", ref message.Dom);
        xdr.Int("type", ref message.Type);
        xdr.OptionalString("nsuri", ref message.NamespaceUri, RpcLimits.MaxString);
    }
}
