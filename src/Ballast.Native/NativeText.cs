using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Ballast.Native;

/// <summary>Texts for C: UTF-8 that ends with NUL, in memory that <c>free()</c> takes.</summary>
internal static unsafe class NativeText
{
    private const char Replacement = '\uFFFD';

    /// <summary>A text's copy.</summary>
    public static nint Copy(string text)
    {
        text = WithoutNul(text);
        int length = Encoding.UTF8.GetByteCount(text);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)length + 1);
        _ = Encoding.UTF8.GetBytes(text, new Span<byte>(copy, length));
        copy[length] = 0;
        return (nint)copy;
    }

    /// <summary>A copy of C's text, to the byte, whatever its encoding; null of null.</summary>
    public static nint Copy(byte* text)
    {
        if (text == null)
            return 0;
        ReadOnlySpan<byte> bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        copy[bytes.Length] = 0;
        return (nint)copy;
    }

    /// <summary>Copies of texts, in an array that ends with null.</summary>
    public static nint* List(IReadOnlyList<string> texts)
    {
        nint* array = (nint*)NativeMemory.AllocZeroed((nuint)texts.Count + 1, (nuint)sizeof(nint));
        for (int i = 0; i < texts.Count; i++)
            array[i] = Copy(texts[i]);
        return array;
    }

    /// <summary>Puts a text into a field, cut where it does not fit, but never within a character; returns the bytes of the whole text.</summary>
    public static int Fill(Span<byte> field, string text)
    {
        text = WithoutNul(text);
        Encoding.UTF8.GetEncoder().Convert(text, field[..^1], flush: true, out _, out int written, out bool isWhole);
        field[written..].Clear();
        return isWhole ? written : Encoding.UTF8.GetByteCount(text);
    }

    /// <summary>A text of the program's; null where there is none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="code">What the program is told where it is no UTF-8.</param>
    /// <param name="origin">Whose error that is; none where the code says it.</param>
    /// <exception cref="CallException">It is no UTF-8: with other characters in place of its bytes, it would be another text.</exception>
    public static string? Read(byte* text, ErrorCode code = ErrorCode.InvalidArgument, ErrorOrigin origin = ErrorOrigin.None)
    {
        if (text == null)
            return null;
        ReadOnlySpan<byte> bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw CallException.NoUtf8(code, origin, Encoding.UTF8.GetString(bytes));
    }

    /// <summary>The same of one that is only shown again, or compared with words: what is no UTF-8 is replaced.</summary>
    public static string? Show(byte* text) => text == null ? null : Marshal.PtrToStringUTF8((nint)text);

    /// <exception cref="CallException">There is none, or it is no UTF-8.</exception>
    public static string Require(
        byte* text, string argument, string function, ErrorCode code = ErrorCode.InvalidArgument, ErrorOrigin origin = ErrorOrigin.None) =>
        Read(text, code, origin) ?? throw CallException.Null(argument, function);

    // C would take a text for what stands before a NUL, and so for another one.
    private static string WithoutNul(string text) => text.Contains('\0', StringComparison.Ordinal) ? text.Replace('\0', Replacement) : text;
}
