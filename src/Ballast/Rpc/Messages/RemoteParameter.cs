namespace Ballast.Rpc.Messages;

/// <summary>A typed parameter: a name, a type, and a value of that type.</summary>
internal struct RemoteParameter : IXdrMessage<RemoteParameter>
{
    private const int MaxField = 79;

    public string Field;
    public int Type;
    public ulong Bits;
    public string? Text;

    public static void Layout<TCodec>(ref TCodec xdr, ref RemoteParameter message)
        where TCodec : IXdrCodec, allows ref struct
    {
        const string value = "value";
        xdr.String("field", ref message.Field, MaxField);
        xdr.Int("type", ref message.Type);
        switch ((TypedParameterType)message.Type)
        {
            case TypedParameterType.Int or TypedParameterType.UInt:
                uint word = unchecked((uint)message.Bits);
                xdr.UInt(value, ref word);
                message.Bits = word;
                break;
            case TypedParameterType.LLong or TypedParameterType.ULLong or TypedParameterType.Double:
                xdr.UHyper(value, ref message.Bits);
                break;
            case TypedParameterType.Boolean:
                bool truth = message.Bits != 0;
                xdr.Bool(value, ref truth);
                message.Bits = truth ? 1u : 0u;
                break;
            case TypedParameterType.String:
                message.Text ??= "";
                xdr.String(value, ref message.Text, RpcLimits.MaxString);
                break;
            default:
                xdr.NoArm(value, message.Type);
                break;
        }
    }

    public static RemoteParameter From(TypedParameter parameter) => new()
    {
        Field = parameter.Field,
        Type = (int)parameter.Type,
        Bits = parameter.Bits,
        Text = parameter.Text,
    };

    /// <summary>Null where the name is empty: such a parameter cannot be asked for.</summary>
    public readonly TypedParameter? ToParameter() => Field.Length == 0
        ? null
        : TypedParameter.FromWire(
            Field, (TypedParameterType)Type, (TypedParameterType)Type == TypedParameterType.Int ? unchecked((ulong)(int)Bits) : Bits, Text);
}
