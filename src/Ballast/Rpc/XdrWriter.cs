using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ballast.Rpc;

/// <summary>Writes a message.</summary>
internal struct XdrWriter(IBufferWriter<byte> output) : IXdrCodec
{
    private const int WordBytes = 4, HyperBytes = 8, UuidBytes = 16;

    public static void Write<T>(IBufferWriter<byte> output, in T message)
        where T : struct, IXdrMessage<T>
    {
        XdrWriter writer = new(output);
        T copy = message;
        T.Layout(ref writer, ref copy);
    }

    public readonly void Int(string name, ref int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(WordBytes), value);
        output.Advance(WordBytes);
    }

    public readonly void UInt(string name, ref uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(WordBytes), value);
        output.Advance(WordBytes);
    }

    public readonly void Hyper(string name, ref long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(output.GetSpan(HyperBytes), value);
        output.Advance(HyperBytes);
    }

    public readonly void UHyper(string name, ref ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(output.GetSpan(HyperBytes), value);
        output.Advance(HyperBytes);
    }

    public readonly void Double(string name, ref double value)
    {
        BinaryPrimitives.WriteDoubleBigEndian(output.GetSpan(HyperBytes), value);
        output.Advance(HyperBytes);
    }

    public readonly void Bool(string name, ref bool value) => Word(value ? 1u : 0u);

    public readonly void String(string name, ref string value, int limit)
    {
        int length = Encoding.UTF8.GetByteCount(value ?? "");
        Check(name, length, limit);
        Word((uint)length);
        Span<byte> padded = Padded(length);
        _ = Encoding.UTF8.GetBytes(value ?? "", padded);
        output.Advance(padded.Length);
    }

    public readonly void OptionalString(string name, ref string? value, int limit)
    {
        Word(value is null ? 0u : 1u);
        if (value is not null)
            String(name, ref value, limit);
    }

    public readonly void Uuid(string name, ref Guid value)
    {
        _ = value.TryWriteBytes(output.GetSpan(UuidBytes), bigEndian: true, out _);
        output.Advance(UuidBytes);
    }

    public readonly void Opaque(string name, ref byte[] value, int limit)
    {
        ReadOnlySpan<byte> bytes = value;
        Check(name, bytes.Length, limit);
        Word((uint)bytes.Length);
        Span<byte> padded = Padded(bytes.Length);
        bytes.CopyTo(padded);
        output.Advance(padded.Length);
    }

    public readonly void FixedChars(string name, ref string value, int count)
    {
        byte[] text = new byte[count];
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(value ?? "");

        // The last one stays NUL, whatever the text is.
        bytes[..Math.Min(bytes.Length, count - 1)].CopyTo(text);
        foreach (byte character in text)
            Word(character);
    }

    public readonly void Chars(string name, ref string value, int limit)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(value ?? ""), 0];
        Check(name, text.Length, limit);
        Word((uint)text.Length);
        foreach (byte character in text)
            Word(character);
    }

    public readonly void NoArm(string name, int discriminant) => throw new XdrException($"{name} is of unknown type {discriminant}");

    public void Struct<T>(string name, ref T value)
        where T : struct, IXdrMessage<T> => T.Layout(ref this, ref value);

    public void Optional<T>(string name, ref T? value)
        where T : struct, IXdrMessage<T>
    {
        Word(value is null ? 0u : 1u);
        if (value is not { } present)
            return;
        T.Layout(ref this, ref present);
    }

    public void Array<T>(string name, ref T[] values, int limit)
        where T : struct, IXdrMessage<T>
    {
        T[] elements = values ?? [];
        Check(name, elements.Length, limit);
        Word((uint)elements.Length);
        for (int i = 0; i < elements.Length; i++)
            T.Layout(ref this, ref elements[i]);
    }

    private readonly void Word(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(WordBytes), value);
        output.Advance(WordBytes);
    }

    // Room for the bytes, with zeros up to a whole word.
    private readonly Span<byte> Padded(int length)
    {
        int padded = (length + WordBytes - 1) / WordBytes * WordBytes;
        Span<byte> span = output.GetSpan(Math.Max(padded, 1))[..padded];
        span[length..].Clear();
        return span;
    }

    // What is too long for the wire is our mistake, not the peer's.
    private static void Check(string name, int count, int limit)
    {
        if (count > limit)
            throw new XdrException($"{name} has {count} elements, more than the {limit} that the protocol allows");
    }
}
