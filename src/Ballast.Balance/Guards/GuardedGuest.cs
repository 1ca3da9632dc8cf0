namespace Ballast.Balance.Guards;

/// <summary>A guest, as guards see it: sizes in MiB.</summary>
public sealed record GuardedGuest
{
    /// <summary>The guest, as its policy sees it.</summary>
    public required GuestState State { get; init; }

    /// <summary>Whether its numbers are fresh and consistent.</summary>
    public required bool IsCertain { get; init; }

    /// <summary>Whether the balloon's size was reported. An estimate does not show how the balloon moves.</summary>
    public bool IsSizeCertain { get; init; } = true;

    /// <summary>
    /// The size that its balloon may have grown to since its size was known last, by what people were advised; null if its size is known.
    /// </summary>
    public double? MayHave { get; init; }

    /// <summary>The memory that it uses, without caches and without its balloon; null if it does not report that.</summary>
    public required double? Used { get; init; }

    /// <summary>Whether the guest takes memory out of its balloon before it kills a program.</summary>
    public bool DeflatesOnOom { get; init; }

    /// <summary>
    /// Whether <see cref="GuestState.Resident"/> shows what the host holds of the guest. False if its QEMU is swapped out or merged with
    /// others, or if the guest reports free pages.
    /// </summary>
    public bool IsResidentCertain { get; init; } = true;

    /// <summary>
    /// Whether its reports have counters for swapping and page faults. Without them, the guards cannot see whether the guest needs what it
    /// claims to use.
    /// </summary>
    public bool CountsSwapping { get; init; } = true;

    /// <summary>
    /// The memory limits of its QEMU's control group and of those above it, each shared with the other guests below it. Without those that
    /// the budget stands for.
    /// </summary>
    public IReadOnlyList<MemoryLimit> Limits { get; init; } = [];

    /// <summary>Why it cannot operate its balloon.</summary>
    public GuestObstacle Obstacle { get; init; }

    /// <summary>Whether it was reset since the last decision. Its old target would otherwise apply to the system that is booting.</summary>
    public bool WasReset { get; init; }
}
