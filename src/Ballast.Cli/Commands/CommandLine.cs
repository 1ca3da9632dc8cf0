using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>How a line of commands is read, wherever it comes from.</summary>
internal static class CommandLine
{
    public static CommandParser Parser(CliHost host) =>
        new(CommandTable.Find, static () => CommandTable.Names, HelpCommand.Command, HelpCommand.Topic) { Suggests = !host.IsVirsh, Explains = OutOfScope.Explain, Means = OtherWords.Explain };
}
