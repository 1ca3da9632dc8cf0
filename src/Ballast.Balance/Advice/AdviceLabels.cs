namespace Ballast.Balance.Advice;

/// <summary>The words of advice, as in JSON and logs.</summary>
public static class AdviceLabels
{
    /// <summary>What is advised: <c>take</c>, <c>give</c>, <c>wait</c>, <c>could</c>, <c>leave</c> or <c>keep</c>.</summary>
    public static string Label(this AdviceKind kind) => kind switch
    {
        AdviceKind.Take => "take",
        AdviceKind.Give => "give",
        AdviceKind.Wait => "wait",
        AdviceKind.Could => "could",
        AdviceKind.Leave => "leave",
        _ => "keep",
    };

    /// <summary>What it may cost: <c>none</c>, <c>low</c>, <c>medium</c> or <c>high</c>.</summary>
    public static string Label(this AdviceRisk risk) => risk switch
    {
        AdviceRisk.None => "none",
        AdviceRisk.Low => "low",
        AdviceRisk.Medium => "medium",
        _ => "high",
    };
}
