namespace Ballast.Balance.Guards;

/// <summary>What guards know of a guest: sizes in MiB.</summary>
public sealed record GuardedGuest
{
    /// <summary>What its policy knows of it, too.</summary>
    public required GuestState State { get; init; }

    /// <summary>Whether its numbers are fresh and agree with each other.</summary>
    public required bool IsCertain { get; init; }

    /// <summary>Whether the balloon's size is one that somebody told: what only stands for it says nothing about how it moves.</summary>
    public bool IsSizeCertain { get; init; } = true;

    /// <summary>What it uses, without caches and without its balloon; null where it does not tell.</summary>
    public required double? Used { get; init; }

    /// <summary>Whether the guest takes memory out of its balloon before it kills a program.</summary>
    public bool DeflatesOnOom { get; init; }

    /// <summary>
    /// Whether <see cref="GuestState.Resident"/> says what the host holds: not where its QEMU is swapped out, merged with others, or
    /// told which pages are free.
    /// </summary>
    public bool IsResidentCertain { get; init; } = true;

    /// <summary>
    /// Whether its reports count what it swaps and which faults it has: not where its kernel keeps no such counters. Without them
    /// nobody can see that it needs what it says it uses.
    /// </summary>
    public bool CountsSwapping { get; init; } = true;

    /// <summary>
    /// How large its balloon may leave it within the memory limit of its QEMU's own control group, where that is less than it could have: its
    /// <see cref="GuestState.Maximum"/> is that, too. Null where no such limit counts.
    /// </summary>
    public double? LeftByGroup { get; init; }

    /// <summary>Why it cannot answer to its balloon.</summary>
    public GuestObstacle Obstacle { get; init; }

    /// <summary>Whether it was reset since the last decision: its old target would count for the system that starts now.</summary>
    public bool WasReset { get; init; }
}
