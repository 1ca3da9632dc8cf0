namespace Ballast.Cli.Doctor;

/// <summary>How bad a finding is; the worst is listed first.</summary>
internal enum Severity
{
    /// <summary>Numbers or changes do not work, or somebody is about to lose data.</summary>
    Error,

    /// <summary>Something works badly, or will.</summary>
    Warning,

    /// <summary>Nothing is wrong, but it is worth knowing.</summary>
    Note,
}

/// <summary>One finding, and what to do about it.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Subject">The guest's name, <c>host</c> or <c>connection</c>.</param>
/// <param name="Check">Which check found it: one of the names in docs/cli-json.md.</param>
/// <param name="Text">What is wrong.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record Verdict(Severity Severity, string Subject, string Check, string Text, Remedy Remedy)
{
    public const string Host = "host", Connection = "connection";

    /// <summary>The URI of the host that it is about, where there are several; else null.</summary>
    public string? Uri { get; init; }

    public string SeverityLabel => Severity switch
    {
        Severity.Error => "error",
        Severity.Warning => "warning",
        _ => "note",
    };
}
