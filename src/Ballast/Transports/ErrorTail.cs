using System.Text;

namespace Ballast.Transports;

/// <summary>The last of what a program writes for people, which is what matters. It is thread-safe.</summary>
internal sealed class ErrorTail
{
    /// <summary>How much is kept.</summary>
    public const int MostBytes = 8 * 1024;

    private readonly Lock _gate = new();
    private readonly byte[] _said = new byte[MostBytes];
    private int _count;

    public string Text
    {
        get
        {
            lock (_gate)
                return Encoding.UTF8.GetString(_said.AsSpan(0, _count));
        }
    }

    public void Add(ReadOnlySpan<byte> said)
    {
        lock (_gate)
        {
            if (said.Length > MostBytes)
                said = said[^MostBytes..];
            int over = _count + said.Length - MostBytes;
            if (over > 0)
            {
                _said.AsSpan(over, _count - over).CopyTo(_said);
                _count -= over;
            }

            said.CopyTo(_said.AsSpan(_count));
            _count += said.Length;
        }
    }
}
