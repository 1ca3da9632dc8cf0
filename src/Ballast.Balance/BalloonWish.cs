namespace Ballast.Balance;

/// <summary>What a policy wishes for a guest. A guard decides what becomes of it.</summary>
/// <param name="Target">The balloon's size in MiB; null to leave the last wish.</param>
/// <param name="Reason">Why, in one sentence for people.</param>
public readonly record struct BalloonWish(double? Target, string Reason)
{
    /// <summary>What the guest is short of where it has less, in MiB, by the policy's estimate; null where it has none.</summary>
    public double? Needed { get; init; }

    /// <summary>What it is better left, in MiB: the same and the files that it reads again; null where the policy has no estimate.</summary>
    public double? Kept { get; init; }

    /// <summary>The last wish stays.</summary>
    public static BalloonWish Same { get; } = new(null, "Nothing changed.");
}
