namespace Ballast.Cli.Doctor;

/// <summary>Commands to be pasted into a shell.</summary>
internal static class ShellCommand
{
    /// <summary>A command of ours on a domain, over the connection that found it.</summary>
    public static string On(Domain domain, string command, string arguments = "") =>
        $"ballast -c {Quote(domain.Connection.Uri)} {command} {Quote(domain.Name)}{(arguments.Length == 0 ? "" : " ")}{arguments}";

    /// <summary>A word as a shell reads it.</summary>
    public static string Quote(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or ':' or '@' or '/' or '=' or ',') && word.Length > 0
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
