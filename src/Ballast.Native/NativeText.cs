using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Native;

/// <summary>Texts for C: UTF-8 that ends with NUL, in memory that <c>free()</c> takes.</summary>
internal static unsafe class NativeText
{
    public static nint Copy(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)length + 1);
        _ = Encoding.UTF8.GetBytes(text, new Span<byte>(copy, length));
        copy[length] = 0;
        return (nint)copy;
    }

    /// <summary>Puts a text into a field, cut where it does not fit, but never within a character.</summary>
    public static void Fill(Span<byte> field, string text)
    {
        Encoding.UTF8.GetEncoder().Convert(text, field[..^1], flush: true, out _, out int written, out _);
        field[written..].Clear();
    }

    public static string? Read(byte* text) => text == null ? null : Marshal.PtrToStringUTF8((nint)text);

    /// <exception cref="CallException">There is none.</exception>
    public static string Require(byte* text, string argument, string function) => Read(text) ?? throw CallException.Null(argument, function);
}
