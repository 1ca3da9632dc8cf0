using System.Buffers;
using System.Text;

namespace Ballast.Cli.Terminal;

/// <summary>Keys out of a terminal's bytes.</summary>
internal static class KeyDecoder
{
    private const byte Escape = 0x1b;

    // Nothing that a keyboard sends is longer.
    private const int LongestSequence = 16;

    /// <summary>Takes one key from the front of the bytes.</summary>
    /// <param name="bytes">What was read and is not taken yet.</param>
    /// <param name="isAll">Whether nothing more is on its way: then what looks like a beginning is whole.</param>
    /// <param name="key">The key.</param>
    /// <returns>How many bytes it was; 0: the rest of it is still to come.</returns>
    public static int Next(ReadOnlySpan<byte> bytes, bool isAll, out Key key)
    {
        key = new Key(KeyKind.Other);
        if (bytes.IsEmpty)
            return 0;
        return bytes[0] switch
        {
            Escape => Sequence(bytes, isAll, out key),
            (byte)'\r' or (byte)'\n' => One(KeyKind.Enter, out key),
            0x7f or 0x08 => One(KeyKind.Backspace, out key),
            < 0x20 => 1,
            _ => Character(bytes, isAll, out key),
        };
    }

    private static int One(KeyKind kind, out Key key)
    {
        key = new Key(kind);
        return 1;
    }

    private static int Character(ReadOnlySpan<byte> bytes, bool isAll, out Key key)
    {
        key = new Key(KeyKind.Other);
        OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length);
        if (status == OperationStatus.NeedMoreData && !isAll)
            return 0;
        if (status == OperationStatus.Done)
            key = Key.Of(rune.ToString());
        return length;
    }

    private static int Sequence(ReadOnlySpan<byte> bytes, bool isAll, out Key key)
    {
        key = new Key(KeyKind.Escape);
        if (bytes.Length == 1)
            return isAll ? 1 : 0;
        if (bytes[1] is not ((byte)'[' or (byte)'O'))
            return 1;

        // Parameters, then the letter that ends it.
        for (int end = 2; end < Math.Min(bytes.Length, LongestSequence); end++)
        {
            if (bytes[end] is < 0x40 or > 0x7e)
                continue;
            key = new Key(Named(bytes[2..end], bytes[end]));
            return end + 1;
        }

        key = new Key(KeyKind.Other);
        return isAll || bytes.Length >= LongestSequence ? bytes.Length : 0;
    }

    private static KeyKind Named(ReadOnlySpan<byte> parameters, byte letter) => ((char)letter, parameters.IsEmpty ? ' ' : (char)parameters[0]) switch
    {
        ('A', _) => KeyKind.Up,
        ('B', _) => KeyKind.Down,
        ('C', _) => KeyKind.Right,
        ('D', _) => KeyKind.Left,
        ('H', _) or ('~', '1' or '7') => KeyKind.Home,
        ('F', _) or ('~', '4' or '8') => KeyKind.End,
        ('~', '5') => KeyKind.PageUp,
        ('~', '6') => KeyKind.PageDown,
        _ => KeyKind.Other,
    };
}
