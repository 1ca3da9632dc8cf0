namespace Ballast.Server;

/// <summary>
/// How many users have rounds in line. The processors' time that there is for readers is for all of them: where more users ask without
/// end, each has the less of it.
/// </summary>
internal sealed class ReaderCrowd
{
    /// <summary>However many there are, a user's rounds are no further apart: its clients wait for some tens of seconds.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private int _inLine;

    public void Enter() => Interlocked.Increment(ref _inLine);

    public void Leave() => Interlocked.Decrement(ref _inLine);

    /// <summary>Among how many users who asks now shares.</summary>
    /// <param name="isInLine">Whether it has rounds in line already.</param>
    public int Users(bool isInLine) => Volatile.Read(ref _inLine) + (isInLine ? 0 : 1);

    /// <summary>What a round costs one of so many users.</summary>
    public static TimeSpan Price(TimeSpan alone, int users) => alone * users < Longest ? alone * users : Longest;
}
