namespace Ballast.Cli.Doctor;

/// <summary>What to do about a finding.</summary>
/// <param name="Text">In words.</param>
/// <param name="Command">The command that does it, as a shell reads it; null where it takes more than a command.</param>
internal sealed record Remedy(string Text, string? Command = null)
{
    /// <summary>The words, and the command as the end of the line, where it can be selected.</summary>
    public override string ToString() => Command is null ? Text : $"{Text}: {Command}";
}
