namespace Ballast.Balance.Advice;

/// <summary>What guests share: a size, a control group's limit, or, with neither, the host's memory less what is needed beside guests.</summary>
/// <param name="SizeKiB">A size in KiB, all of it for guests.</param>
/// <param name="ControlGroup">The path of a control group; then only its guests count.</param>
public readonly record struct BudgetSetting(ulong? SizeKiB = null, string? ControlGroup = null);

/// <summary>There is no budget, and the message says what to do.</summary>
/// <param name="message">One line for people.</param>
public sealed class BudgetException(string message) : Exception(message);
