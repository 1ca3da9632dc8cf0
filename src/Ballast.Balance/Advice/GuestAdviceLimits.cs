using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What is not worth anybody's time.</summary>
internal static class GuestAdviceLimits
{
    /// <summary>A smaller change, in MiB, is none: as in the guards.</summary>
    public static double Least { get; } = new GuardLimits().LeastChange;

    /// <summary>
    /// What is asked at least for a guest that is short, in MiB: if it got just what it lacks, that would often be less than a change, and it would
    /// be short again at once.
    /// </summary>
    public const double LeastForShort = GuestShortage.MarginKiB / 1024.0;

    /// <summary>Where the host would get back less than this share of what a balloon moves, nobody who lacks nothing has to read of it.</summary>
    public const double GainShare = 0.1;
}
