using System.Buffers.Binary;
using System.Text;

namespace Ballast.Rpc;

/// <summary>Reads a message. Each length is checked before anything is allocated for it; bytes behind the message are ignored, as libvirt does.</summary>
internal ref struct XdrReader(ReadOnlySpan<byte> bytes) : IXdrCodec
{
    private const int WordBytes = 4, HyperBytes = 8, UuidBytes = 16;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <exception cref="XdrException">It is no such message.</exception>
    public static T Read<T>(ReadOnlySpan<byte> bytes)
        where T : struct, IXdrMessage<T>
    {
        XdrReader reader = new(bytes);
        T message = default;
        T.Layout(ref reader, ref message);
        return message;
    }

    public void Int(string name, ref int value) => value = BinaryPrimitives.ReadInt32BigEndian(Take(WordBytes, name));

    public void UInt(string name, ref uint value) => value = BinaryPrimitives.ReadUInt32BigEndian(Take(WordBytes, name));

    public void Hyper(string name, ref long value) => value = BinaryPrimitives.ReadInt64BigEndian(Take(HyperBytes, name));

    public void UHyper(string name, ref ulong value) => value = BinaryPrimitives.ReadUInt64BigEndian(Take(HyperBytes, name));

    public void Double(string name, ref double value) => value = BinaryPrimitives.ReadDoubleBigEndian(Take(HyperBytes, name));

    public void Bool(string name, ref bool value) => value = BinaryPrimitives.ReadUInt32BigEndian(Take(WordBytes, name)) != 0;

    public void String(string name, ref string value, int limit) =>
        value = Encoding.UTF8.GetString(TakePadded(Count(name, limit), name));

    public void OptionalString(string name, ref string? value, int limit)
    {
        bool isPresent = false;
        Bool(name, ref isPresent);
        value = null;
        if (isPresent)
            String(name, ref value!, limit);
    }

    public void Uuid(string name, ref Guid value) => value = new Guid(Take(UuidBytes, name), bigEndian: true);

    public void Opaque(string name, ref byte[] value, int limit) => value = TakePadded(Count(name, limit), name).ToArray();

    public void FixedChars(string name, ref string value, int count) => value = ReadChars(name, count);

    public void Chars(string name, ref string value, int limit) => value = ReadChars(name, Count(name, limit));

    public readonly void NoArm(string name, int discriminant) => throw new XdrException($"{name} is of unknown type {discriminant}");

    public void Struct<T>(string name, ref T value)
        where T : struct, IXdrMessage<T> => T.Layout(ref this, ref value);

    public void Optional<T>(string name, ref T? value)
        where T : struct, IXdrMessage<T>
    {
        bool isPresent = false;
        Bool(name, ref isPresent);
        value = null;
        if (!isPresent)
            return;
        T present = default;
        T.Layout(ref this, ref present);
        value = present;
    }

    public void Array<T>(string name, ref T[] values, int limit)
        where T : struct, IXdrMessage<T>
    {
        int count = Count(name, limit);
        if (count == 0)
        {
            values = [];
            return;
        }

        // Every element has at least a word: a count that the bytes cannot hold allocates nothing.
        if (count > _rest.Length / WordBytes)
            throw TooShort(name);
        T[] elements = new T[count];
        for (int i = 0; i < count; i++)
            T.Layout(ref this, ref elements[i]);
        values = elements;
    }

    private string ReadChars(string name, int count)
    {
        ReadOnlySpan<byte> words = Take((long)count * WordBytes, name);
        byte[] text = new byte[count];
        for (int i = 0; i < count; i++)
            text[i] = words[(i * WordBytes) + WordBytes - 1];
        return Encoding.UTF8.GetString(text.AsSpan().IndexOf((byte)0) is >= 0 and var end ? text.AsSpan(0, end) : text);
    }

    private int Count(string name, int limit)
    {
        uint count = BinaryPrimitives.ReadUInt32BigEndian(Take(WordBytes, name));
        return count <= (uint)limit ? (int)count : throw new XdrException($"{name} has {count} elements, more than {limit}");
    }

    private ReadOnlySpan<byte> TakePadded(int count, string name)
    {
        int padded = (count + WordBytes - 1) / WordBytes * WordBytes;
        return Take(padded, name)[..count];
    }

    private ReadOnlySpan<byte> Take(long count, string name)
    {
        if (count > _rest.Length)
            throw TooShort(name);
        ReadOnlySpan<byte> taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private static XdrException TooShort(string name) => new($"the message ends within {name}");
}
