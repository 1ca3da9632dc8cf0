namespace Ballast.Balance;

/// <summary>What a policy wishes for a guest. A guard decides what becomes of it.</summary>
/// <param name="Target">The balloon's size in MiB; null to leave the last wish.</param>
/// <param name="Reason">Why, in one sentence for people.</param>
public readonly record struct BalloonWish(double? Target, string Reason)
{
    /// <summary>The last wish stays.</summary>
    public static BalloonWish Same { get; } = new(null, "Nothing changed.");
}
