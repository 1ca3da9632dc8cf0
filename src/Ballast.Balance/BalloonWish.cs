namespace Ballast.Balance;

/// <summary>The size that a policy wants for a guest's balloon. A guard may limit or refuse it.</summary>
/// <param name="Target">The balloon's size in MiB; null to keep the last wish.</param>
/// <param name="Reason">The reason, in one sentence for humans.</param>
public readonly record struct BalloonWish(double? Target, string Reason)
{
    /// <summary>The policy's estimate of the memory that the guest needs, in MiB; null if the policy makes no estimate.</summary>
    public double? Needed { get; init; }

    /// <summary><see cref="Needed"/> and the files that the guest reads again, in MiB; null if the policy makes no estimate.</summary>
    public double? Kept { get; init; }

    /// <summary>Keeps the last wish.</summary>
    public static BalloonWish Same { get; } = new(null, "Nothing changed.");
}
