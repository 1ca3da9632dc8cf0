namespace Ballast.Cli.Completion;

/// <summary>What may stand where the cursor is.</summary>
/// <param name="Text">The whole word.</param>
/// <param name="Summary">What it is; empty where its name says it.</param>
internal sealed record Candidate(string Text, string Summary = "")
{
    /// <summary>Whether more of the same word follows, so that no blank is added.</summary>
    public bool IsOpen { get; init; }
}

/// <summary>What a key for completion does: text to add behind the cursor, or what there is to choose from.</summary>
internal sealed record Completed(string Insert, IReadOnlyList<string> Choices)
{
    public static Completed Nothing { get; } = new("", []);
}
