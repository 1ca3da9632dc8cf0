using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Output;

/// <summary>Commands to be pasted into a shell.</summary>
internal static class ShellCommand
{
    private const string ReadOnly = "-ro";

    /// <summary>A <c>ballast</c> command for a domain, with the URI of its connection, or of one that may change something.</summary>
    public static string On(Domain domain, string command, string arguments = "") =>
        $"ballast -c {Quote(Writable(domain.Connection.Uri))} {command} {Name(domain)}{(arguments.Length == 0 ? "" : " ")}{arguments}";

    /// <summary>
    /// What names a domain in a command: its name, or its UUID where commands would read the name as something else. A number
    /// is taken for an id first, and may be another domain's; what is shown by its bytes cannot be copied.
    /// </summary>
    public static string Name(Domain domain) =>
        NumberText.TryReadInt(domain.Name, out _) || DomainArgument.TryReadUuid(domain.Name, out _) || domain.Name.StartsWith('-') || SafeText.Escape(domain.Name) != domain.Name
            ? $"{domain.Uuid}"
            : Quote(domain.Name);

    // A daemon's socket for those who only read is called as the other one, with this behind it: libvirt's daemons and ours do so.
    private static string Writable(string uri)
    {
        if (!ConnectUri.TryParse(uri, out ConnectUri? parsed) || parsed.Parameter("socket")?.EndsWith(ReadOnly, StringComparison.Ordinal) != true)
            return uri;
        int start = uri.LastIndexOf("socket=", StringComparison.OrdinalIgnoreCase), end = start < 0 ? -1 : uri.AsSpan(start).IndexOfAny("&;#");
        end = end < 0 ? uri.Length : start + end;
        return start >= 0 && uri.AsSpan(0, end).EndsWith(ReadOnly) ? uri.Remove(end - ReadOnly.Length, ReadOnly.Length) : uri;
    }

    /// <summary>A word as a shell reads it. zsh puts a program's path for a word that begins with an equals sign.</summary>
    public static string Quote(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or ':' or '@' or '/' or '=' or ',') && word is [not '=', ..]
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
