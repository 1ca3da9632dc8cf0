namespace Ballast;

/// <summary>
/// A set of tags small enough to be a number: libvirt's 0 to 31 and as many of ours. Its bits travel on our own wire, so they never
/// change: the lower half came first.
/// </summary>
internal readonly record struct MemoryStatTagSet(ulong Bits)
{
    /// <summary>As many tags as fit.</summary>
    public const int Capacity = 64;

    private const int OfEach = Capacity / 2, OfHalf = OfEach / 2;

    public bool Contains(MemoryStatTag tag) => (Bits & Bit(tag)) != 0;

    public MemoryStatTagSet With(MemoryStatTag tag) => new(Bits | Bit(tag));

    /// <summary>Whether the tag is in the range of ours.</summary>
    public static bool IsOurs(MemoryStatTag tag) => tag is >= MemoryStatTag.OomKills and < MemoryStatTag.OomKills + OfEach;

    /// <summary>The bit of a tag, from 0; −1 for one that has none.</summary>
    public static int Position(MemoryStatTag tag)
    {
        int number = IsOurs(tag) ? tag - MemoryStatTag.OomKills : (int)tag;
        if ((uint)number >= OfEach)
            return -1;

        // A half of the number has 16 of libvirt's tags, and then 16 of ours.
        return (number / OfHalf * OfEach) + (number % OfHalf) + (IsOurs(tag) ? OfHalf : 0);
    }

    private static ulong Bit(MemoryStatTag tag) => Position(tag) is >= 0 and int position ? 1UL << position : 0;
}
