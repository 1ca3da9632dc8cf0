namespace Ballast.Rpc;

/// <summary>Describes a layout in words, as <c>dom:domain, maxStats:uint</c>: the text that pins it.</summary>
internal readonly struct XdrDescriber : IXdrCodec
{
    private readonly List<string> _fields = [];

    public XdrDescriber()
    {
    }

    public static string Describe<T>()
        where T : struct, IXdrMessage<T>
    {
        XdrDescriber describer = new();
        T message = default;
        T.Layout(ref describer, ref message);
        return describer._fields.Count == 0 ? "-" : string.Join(", ", describer._fields);
    }

    public void Int(string name, ref int value) => Add(name, "int");

    public void UInt(string name, ref uint value) => Add(name, "uint");

    public void Hyper(string name, ref long value) => Add(name, "hyper");

    public void UHyper(string name, ref ulong value) => Add(name, "uhyper");

    public void Double(string name, ref double value) => Add(name, "double");

    public void Bool(string name, ref bool value) => Add(name, "bool");

    public void String(string name, ref string value, int limit) => Add(name, $"string<{limit}>");

    public void OptionalString(string name, ref string? value, int limit) => Add(name, $"string<{limit}>?");

    public void Uuid(string name, ref Guid value) => Add(name, "uuid");

    public void Opaque(string name, ref byte[] value, int limit) => Add(name, $"opaque<{limit}>");

    public void FixedChars(string name, ref string value, int count) => Add(name, $"char[{count}]");

    public void Chars(string name, ref string value, int limit) => Add(name, $"char<{limit}>");

    public void NoArm(string name, int discriminant) => Add(name, "by type");

    public void Struct<T>(string name, ref T value)
        where T : struct, IXdrMessage<T> => Add(name, $"({Describe<T>()})");

    public void Optional<T>(string name, ref T? value)
        where T : struct, IXdrMessage<T> => Add(name, $"({Describe<T>()})?");

    public void Array<T>(string name, ref T[] values, int limit)
        where T : struct, IXdrMessage<T> => Add(name, $"({Describe<T>()})<{limit}>");

    private void Add(string name, string type) => _fields.Add($"{name}:{type}");
}
