namespace Ballast.Balance.Guards;

/// <summary>The guards' decision on a wish.</summary>
/// <param name="Target">The balloon's new target in MiB; null to leave it alone.</param>
/// <param name="BoundBy">The rule that limited the wish; null if none did.</param>
/// <param name="Reason">The reason, in one sentence for humans.</param>
public readonly record struct GuardDecision(double? Target, GuardRule? BoundBy, string Reason);
