namespace Ballast.Balance.Guards;

/// <summary>The guards' numbers: sizes in MiB, times in seconds. docs/balancing.md explains each.</summary>
public sealed record GuardLimits
{
    /// <summary>The margin that a guest keeps above what it uses: this share of what it uses, plus <see cref="FloorMargin"/>.</summary>
    public double FloorShare { get; init; } = 0.02;

    /// <summary>The fixed part of that margin, in MiB.</summary>
    public double FloorMargin { get; init; } = 32;

    /// <summary>The factor of the margin for a guest that kills a program before it deflates its balloon (no deflate-on-oom).</summary>
    public double FloorFactorWithoutDeflate { get; init; } = 2;

    /// <summary>
    /// How far a guest that claims to use more than the host holds of it shrinks below its floor at each report, in MiB, down to what the
    /// host holds and the margin. It is no more than the margin, so that an honest guest still has what it uses after the first step.
    /// </summary>
    public double ClaimStep { get; init; } = 32;

    /// <summary>If such a guest swaps, or has more major faults per second than this, the guards believe its claim.</summary>
    public double QuietFaults { get; init; } = 0.5;

    /// <summary>How long the guards then believe it, in seconds.</summary>
    public double BelievedSeconds { get; init; } = 1800;

    /// <summary>The most that a guest shrinks in one step, as a share of its maximum.</summary>
    public double ShrinkStepShare { get; init; } = 0.25;

    /// <summary>The most that a guest shrinks in a minute, as a share of its maximum.</summary>
    public double ShrinkMinuteShare { get; init; } = 0.75;

    /// <summary>The most that a guest grows in one step, as a share of its maximum.</summary>
    public double GrowStepShare { get; init; } = 0.50;

    /// <summary>The most that a guest grows in a minute, as a share of its maximum.</summary>
    public double GrowMinuteShare { get; init; } = 1;

    /// <summary>The smallest shrinking worth making, in MiB, unless balloons exceed the budget.</summary>
    public double LeastChange { get; init; } = 16;

    /// <summary>The smallest growth worth making, in MiB: the need of some guests grows in small steps.</summary>
    public double LeastGrowth { get; init; } = 1;

    /// <summary>A balloon that has come no nearer to its target for this time does not follow, in seconds.</summary>
    public double FollowSeconds { get; init; } = 30;

    /// <summary>How long such a guest is left alone, in seconds.</summary>
    public double NotFollowingPause { get; init; } = 300;

    /// <summary>
    /// The host got nothing back if, for <see cref="FollowSeconds"/>, it holds more than the balloon's size plus this share of the maximum
    /// plus <see cref="NothingReturnedMargin"/>, and lost less than <see cref="ReturnedShare"/>.
    /// </summary>
    public double NothingReturnedShare { get; init; } = 0.05;

    /// <summary>The fixed part of <see cref="NothingReturnedShare"/>, in MiB.</summary>
    public double NothingReturnedMargin { get; init; } = 128;

    /// <summary>The share of the resident memory taken by the balloon that the host must at least have got back.</summary>
    public double ReturnedShare { get; init; } = 0.5;

    /// <summary>How long a guest is left alone after somebody else moved its balloon, in seconds.</summary>
    public double ForeignPause { get; init; } = 600;

    /// <summary>The number of failures in a row after which the guard stops.</summary>
    public int MostFailures { get; init; } = 5;
}
