namespace Ballast.Drivers;

/// <summary>How long to wait before a daemon that could not be reached is tried again: twice as long each time, up to ten seconds or the first pause.</summary>
/// <param name="first">The first pause.</param>
internal struct GrowingPause(TimeSpan first)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    public TimeSpan Length { get; private set; } = first;

    public void Grow()
    {
        if (Length < Longest)
            Length = Length + Length < Longest ? Length + Length : Longest;
    }
}
