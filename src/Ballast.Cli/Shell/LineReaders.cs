using Ballast.Cli.Completion;
using Ballast.Cli.Output;

namespace Ballast.Cli.Shell;

/// <summary>Which way of reading lines fits what the program runs in.</summary>
internal static class LineReaders
{
    public static ILineReader Choose(CliHost host, CommandOutput output, CommandSession session) =>
        host.Input.IsTerminal && host.IsOutputTerminal && host.Variable("TERM") is not (null or "" or "dumb")
        && EditedLines.TryStart(host.Input, ShellHistory.Open(host), new SessionCompleter(host, session)) is { } edited
            ? edited
            : new PlainLines(host, output);
}
