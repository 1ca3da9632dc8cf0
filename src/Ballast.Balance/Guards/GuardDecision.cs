namespace Ballast.Balance.Guards;

/// <summary>What becomes of a wish.</summary>
/// <param name="Target">The balloon's new size in MiB; null to leave it.</param>
/// <param name="BoundBy">The rule that changed the wish; null where it is met.</param>
/// <param name="Reason">Why, in one sentence for people.</param>
public readonly record struct GuardDecision(double? Target, GuardRule? BoundBy, string Reason);
