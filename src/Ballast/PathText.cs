using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using System.Text;
using System.Text.Unicode;

namespace Ballast;

/// <summary>
/// Names of files as text. To Linux they are bytes, and need not be UTF-8: a byte that belongs to no character is kept as one code unit,
/// U+DC80 to U+DCFF, which no text has alone. So every name comes back as it was, and no two are one.
/// </summary>
internal static class PathText
{
    private const char FirstByte = '\uDC80', LastByte = '\uDCFF', ByteBase = '\uDC00';
    private const int MostBytesOfUnit = 3;

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        StringBuilder text = new(bytes.Length);
        Span<char> units = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed) == OperationStatus.Done)
            {
                text.Append(units[..rune.EncodeToUtf16(units)]);
            }
            else
            {
                foreach (byte b in bytes[..consumed])
                    text.Append((char)(ByteBase + b));
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }

    /// <summary>So many bytes a name has at most.</summary>
    public static int MaxBytes(string name) => name.Length * MostBytesOfUnit;

    public static byte[] Encode(string name)
    {
        byte[] bytes = new byte[MaxBytes(name)];
        return bytes[..Encode(name, bytes)];
    }

    /// <returns>How many bytes were written.</returns>
    public static int Encode(ReadOnlySpan<char> name, Span<byte> bytes)
    {
        if (!HasBytes(name))
            return Encoding.UTF8.GetBytes(name, bytes);
        int length = 0;
        while (!name.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf16(name, out Rune rune, out int consumed) == OperationStatus.Done;
            if (!isText && IsByte(name[0]))
                bytes[length++] = (byte)(name[0] - ByteBase);
            else
                length += rune.EncodeToUtf8(bytes[length..]);
            name = name[consumed..];
        }

        return length;
    }

    /// <summary>How many bytes a name has.</summary>
    public static int ByteCount(string name) => HasBytes(name) ? Encode(name).Length : Encoding.UTF8.GetByteCount(name);

    /// <summary>The name as text that anybody can take: a byte that belongs to no character is replaced, as decoders of UTF-8 do.</summary>
    public static string Replaced(string name) => HasBytes(name) ? Encoding.UTF8.GetString(Encode(name)) : name;

    /// <summary>Text with names in it, for people: such bytes as <c>\xNN</c>.</summary>
    public static string Escaped(string text)
    {
        if (!HasBytes(text))
            return text;
        StringBuilder escaped = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                escaped.Append(text[i++]).Append(text[i]);
            else if (IsByte(text[i]))
                escaped.Append(CultureInfo.InvariantCulture, $"\\x{text[i] - ByteBase:x2}");
            else
                escaped.Append(text[i]);
        }

        return escaped.ToString();
    }

    private static bool IsByte(char unit) => unit is >= FirstByte and <= LastByte;

    // Halves of ordinary characters may be among them.
    private static bool HasBytes(ReadOnlySpan<char> name) => name.IndexOfAnyInRange(FirstByte, LastByte) >= 0;

    /// <summary>Hands a path to the system as the bytes that it is.</summary>
    [CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(ToSystem))]
    public static class Marshaller
    {
        public unsafe ref struct ToSystem
        {
            private byte* _path;
            private bool _isAllocated;

            public static int BufferSize => 0x200;

            public void FromManaged(string path, Span<byte> buffer)
            {
                int size = MaxBytes(path) + 1;
                _isAllocated = size > buffer.Length;
                _path = _isAllocated
                    ? (byte*)NativeMemory.Alloc((nuint)size)
                    : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
                Span<byte> bytes = new(_path, size);
                bytes[Encode(path, bytes)] = 0;
            }

            public readonly byte* ToUnmanaged() => _path;

            public readonly void Free()
            {
                if (_isAllocated)
                    NativeMemory.Free(_path);
            }
        }
    }
}
