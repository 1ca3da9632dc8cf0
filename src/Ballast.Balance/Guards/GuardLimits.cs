namespace Ballast.Balance.Guards;

/// <summary>The guards' numbers: sizes in MiB, times in seconds. docs/balancing.md explains each.</summary>
public sealed record GuardLimits
{
    /// <summary>What a guest keeps above what it uses: a share of that, and so much more.</summary>
    public double FloorShare { get; init; } = 0.02;

    /// <inheritdoc cref="FloorShare"/>
    public double FloorMargin { get; init; } = 32;

    /// <summary>The factor of both for a guest that would rather kill a program than take memory out of its balloon.</summary>
    public double FloorFactorWithoutDeflate { get; init; } = 2;

    /// <summary>
    /// A guest that says it uses more than the host holds of it is shrunk below its floor by so much at each report, down to what the
    /// host holds and the margin. No more than the margin, so that a guest that said the truth still has what it uses after the first.
    /// </summary>
    public double ClaimStep { get; init; } = 32;

    /// <summary>If it swaps, or has more major faults a second than this, it needs what it says it uses.</summary>
    public double QuietFaults { get; init; } = 0.5;

    /// <summary>Then it is believed for so long.</summary>
    public double BelievedSeconds { get; init; } = 1800;

    /// <summary>How far a balloon may shrink a guest in one step: a share of its maximum.</summary>
    public double ShrinkStepShare { get; init; } = 0.25;

    /// <summary>How far in a minute.</summary>
    public double ShrinkMinuteShare { get; init; } = 0.50;

    /// <summary>How far a guest may grow in one step: a share of its maximum.</summary>
    public double GrowStepShare { get; init; } = 0.50;

    /// <summary>How far in a minute.</summary>
    public double GrowMinuteShare { get; init; } = 1;

    /// <summary>What is not worth a change.</summary>
    public double LeastChange { get; init; } = 16;

    /// <summary>How little is worth growing by: a guest that needs more and more, and does not say how much, grows by little at a time.</summary>
    public double LeastGrowth { get; init; } = 1;

    /// <summary>A balloon that came no nearer to its target for so long does not follow.</summary>
    public double FollowSeconds { get; init; } = 30;

    /// <summary>How long such a guest is left alone.</summary>
    public double NotFollowingPause { get; init; } = 300;

    /// <summary>Where the host still holds so much more than the balloon leaves, for <see cref="FollowSeconds"/>, it got nothing back: a share of the maximum, and so much more.</summary>
    public double NothingReturnedShare { get; init; } = 0.05;

    /// <inheritdoc cref="NothingReturnedShare"/>
    public double NothingReturnedMargin { get; init; } = 128;

    /// <summary>And where it lost less than this share of what the balloon took of what it held.</summary>
    public double ReturnedShare { get; init; } = 0.5;

    /// <summary>How long a guest is left alone whose balloon somebody else moved.</summary>
    public double ForeignPause { get; init; } = 600;

    /// <summary>After so many failures in a row nothing is changed any more.</summary>
    public int MostFailures { get; init; } = 5;
}
