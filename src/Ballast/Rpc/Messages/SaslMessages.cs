namespace Ballast.Rpc.Messages;

/// <summary>A byte of what XDR's <c>char</c> arrays carry: a word each, with its sign.</summary>
internal struct SaslByte : IXdrMessage<SaslByte>
{
    public int Value;

    public static void Layout<TCodec>(ref TCodec xdr, ref SaslByte message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Int("value", ref message.Value);
    }

    public static SaslByte[] Of(ReadOnlySpan<byte> bytes)
    {
        SaslByte[] words = new SaslByte[bytes.Length];
        for (int i = 0; i < words.Length; i++)
            words[i].Value = (sbyte)bytes[i];
        return words;
    }

    public static byte[] ToBytes(SaslByte[] words)
    {
        byte[] bytes = new byte[words.Length];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)words[i].Value;
        return bytes;
    }
}

/// <summary>AUTH_SASL_START.</summary>
internal struct SaslStartArgs : IXdrMessage<SaslStartArgs>
{
    public string Mechanism;

    /// <summary>Whether there is nothing, which is not the same as nothing in it.</summary>
    public bool IsNil;

    public SaslByte[] Data;

    public static void Layout<TCodec>(ref TCodec xdr, ref SaslStartArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.String("mech", ref message.Mechanism, RpcLimits.MaxString);
        xdr.Bool("nil", ref message.IsNil);
        xdr.Array("data", ref message.Data, RpcLimits.MaxSaslData);
    }
}

/// <summary>AUTH_SASL_STEP.</summary>
internal struct SaslStepArgs : IXdrMessage<SaslStepArgs>
{
    /// <summary>Whether there is nothing, which is not the same as nothing in it.</summary>
    public bool IsNil;

    public SaslByte[] Data;

    public static void Layout<TCodec>(ref TCodec xdr, ref SaslStepArgs message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Bool("nil", ref message.IsNil);
        xdr.Array("data", ref message.Data, RpcLimits.MaxSaslData);
    }
}

/// <summary>The answer to AUTH_SASL_START and AUTH_SASL_STEP.</summary>
internal struct SaslReply : IXdrMessage<SaslReply>
{
    /// <summary>Whether the server is content.</summary>
    public bool IsComplete;

    /// <summary>Whether there is nothing, which is not the same as nothing in it.</summary>
    public bool IsNil;

    public SaslByte[] Data;

    public static void Layout<TCodec>(ref TCodec xdr, ref SaslReply message)
        where TCodec : IXdrCodec, allows ref struct
    {
        xdr.Bool("complete", ref message.IsComplete);
        xdr.Bool("nil", ref message.IsNil);
        xdr.Array("data", ref message.Data, RpcLimits.MaxSaslData);
    }
}
