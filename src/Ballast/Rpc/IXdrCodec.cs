namespace Ballast.Rpc;

/// <summary>
/// One direction of XDR (RFC 4506): a reader, a writer, or what describes a layout. A message names its fields once, in
/// their order, and every direction follows from it.
/// </summary>
internal interface IXdrCodec
{
    /// <summary>int, enum and bool: one word.</summary>
    void Int(string name, ref int value);

    /// <summary>unsigned int; libvirt's unsigned char and short too: one word.</summary>
    void UInt(string name, ref uint value);

    void Hyper(string name, ref long value);

    void UHyper(string name, ref ulong value);

    void Double(string name, ref double value);

    /// <summary>One word; any but zero is true, true is written as 1.</summary>
    void Bool(string name, ref bool value);

    /// <summary>Length in bytes, UTF-8, zeros up to a whole word.</summary>
    void String(string name, ref string value, int limit);

    /// <summary>A bool, and then the string where it is true.</summary>
    void OptionalString(string name, ref string? value, int limit);

    /// <summary>Sixteen bytes, in the order in which they are printed.</summary>
    void Uuid(string name, ref Guid value);

    /// <summary>Length in bytes, the bytes, zeros up to a whole word.</summary>
    void Opaque(string name, ref byte[] value, int limit);

    /// <summary>An array declared as <c>char</c>: one word for each character, as many as declared.</summary>
    void FixedChars(string name, ref string value, int count);

    /// <summary>The same with a count in front, which includes the final NUL.</summary>
    void Chars(string name, ref string value, int limit);

    /// <summary>A union whose discriminant has no arm: an error, except where a layout is described.</summary>
    void NoArm(string name, int discriminant);

    /// <summary>A structure in its place.</summary>
    void Struct<T>(string name, ref T value)
        where T : struct, IXdrMessage<T>;

    /// <summary>A bool, and then the structure where it is true.</summary>
    void Optional<T>(string name, ref T? value)
        where T : struct, IXdrMessage<T>;

    /// <summary>A count, and then the elements.</summary>
    void Array<T>(string name, ref T[] values, int limit)
        where T : struct, IXdrMessage<T>;
}

/// <summary>A message, or a part of one.</summary>
internal interface IXdrMessage<TSelf>
    where TSelf : struct, IXdrMessage<TSelf>
{
    /// <summary>Names the fields in their order.</summary>
    static abstract void Layout<TCodec>(ref TCodec xdr, ref TSelf message)
        where TCodec : IXdrCodec, allows ref struct;
}

/// <summary>No arguments, or no result.</summary>
internal struct Nothing : IXdrMessage<Nothing>
{
    public static void Layout<TCodec>(ref TCodec xdr, ref Nothing message)
        where TCodec : IXdrCodec, allows ref struct
    {
    }
}

/// <summary>The bytes do not hold the message that they should.</summary>
internal sealed class XdrException(string message) : Exception(message);
