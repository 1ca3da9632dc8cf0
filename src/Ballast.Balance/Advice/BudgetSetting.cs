namespace Ballast.Balance.Advice;

/// <summary>The memory that guests share: a size, the limit of a control group, or by default the host's memory less what it needs besides guests.</summary>
/// <param name="SizeKiB">A size in KiB, all of it for guests.</param>
/// <param name="ControlGroup">The path of a control group; then only its guests count.</param>
public readonly record struct BudgetSetting(ulong? SizeKiB = null, string? ControlGroup = null);

/// <summary>The budget cannot be determined. The message says what to do.</summary>
/// <param name="message">One line for humans.</param>
public sealed class BudgetException(string message) : Exception(message);
