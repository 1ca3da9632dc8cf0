using System.Text;

namespace Ballast.Fuzz;

/// <summary>Makes new inputs out of old ones.</summary>
internal sealed class Mutator(int seed, IReadOnlyList<byte[]> dictionary)
{
    private const int MaxChanges = 6;
    private const int MaxBlock = 64;
    private const int MaxInput = 64 * 1024;

    private static readonly byte[][] Numbers =
    [
        .. new[]
        {
            "0", "-0", "-1", "1", "9", "10", "127", "128", "255", "256", "65535", "65536", "2147483647", "2147483648",
            "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "18446744073709547520", "18446744073709551614", "18446744073709551615", "18446744073709551616",
            "184467440737095516150", "1.0", "1e3", "1E+400", "0.5", "00", "99999999999999999999999999999999999999",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    private readonly Random _random = new(seed);

    /// <summary>One of the pool's inputs, changed in a few places.</summary>
    public byte[] Mutate(IReadOnlyList<byte[]> pool)
    {
        List<byte> data = [.. Pick(pool)];
        for (int changes = 1 + _random.Next(MaxChanges); changes > 0; changes--)
            Change(data, pool);
        if (data.Count > MaxInput)
            data.RemoveRange(MaxInput, data.Count - MaxInput);
        return [.. data];
    }

    private void Change(List<byte> data, IReadOnlyList<byte[]> pool)
    {
        int at = _random.Next(data.Count + 1);
        int length = Math.Min(_random.Next(1, MaxBlock), data.Count - at);
        switch (_random.Next(12))
        {
            case 0 when length > 0:
                data[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when length > 0:
                data[at] = (byte)_random.Next(256);
                break;
            case 2:
                byte[] bytes = new byte[_random.Next(1, 9)];
                _random.NextBytes(bytes);
                data.InsertRange(at, bytes);
                break;
            case 3:
                data.RemoveRange(at, length);
                break;
            case 4:
                Repeat(data, at, length);
                break;
            case 5:
                byte[] other = Pick(pool);
                data.RemoveRange(at, data.Count - at);
                data.AddRange(other[_random.Next(other.Length + 1)..]);
                break;
            case 6:
                data.InsertRange(at, Pick(dictionary));
                break;
            case 7:
                byte[] token = Pick(dictionary);
                data.RemoveRange(at, Math.Min(token.Length, data.Count - at));
                data.InsertRange(at, token);
                break;
            case 8:
                ReplaceNumber(data, at);
                break;
            case 9:
                byte[] block = [.. data.GetRange(at, length)];
                data.RemoveRange(at, length);
                data.InsertRange(_random.Next(data.Count + 1), block);
                break;
            case 10:
                data.InsertRange(_random.Next(data.Count + 1), data.GetRange(at, length));
                break;
            default:
                ReplaceString(data, at);
                break;
        }
    }

    // Now and then very often: nesting, long texts and full buffers come of it.
    private void Repeat(List<byte> data, int at, int length)
    {
        byte[] block = [.. data.GetRange(at, length)];
        int times = _random.Next(16) == 0 ? _random.Next(2048) : _random.Next(1, 8);
        for (; times > 0 && data.Count < MaxInput; times--)
            data.InsertRange(at, block);
    }

    private void ReplaceNumber(List<byte> data, int at)
    {
        int start = data.FindIndex(at, char_ => char.IsAsciiDigit((char)char_));
        if (start < 0)
            return;
        int end = data.FindIndex(start, char_ => !char.IsAsciiDigit((char)char_));
        data.RemoveRange(start, (end < 0 ? data.Count : end) - start);
        data.InsertRange(start, Pick(Numbers));
    }

    // The text between two quotes becomes a word of the dictionary.
    private void ReplaceString(List<byte> data, int at)
    {
        int open = data.IndexOf((byte)'"', at);
        int close = open < 0 ? -1 : data.IndexOf((byte)'"', open + 1);
        if (close < 0)
            return;
        data.RemoveRange(open + 1, close - open - 1);
        data.InsertRange(open + 1, Pick(dictionary));
    }

    private byte[] Pick(IReadOnlyList<byte[]> from) => from[_random.Next(from.Count)];
}
