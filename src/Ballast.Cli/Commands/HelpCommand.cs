using Ballast.Cli.Help;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class HelpCommand
{
    public static CommandOption Topic { get; } = new("command", OptionKind.Text, "the command to explain; default: list all commands")
    {
        IsPositional = true,
        MayBeEmpty = true,
    };

    public static Command Command { get; } = new("help", "explain commands")
    {
        Description = "`ballast COMMAND --help` shows the same.\n",
        Options = [Topic],
        NeedsConnection = false,
        IgnoresUnknownArguments = true,
        Execute = Execute,
    };

    private static ValueTask Execute(CommandInvocation invocation)
    {
        string? topic = invocation.Arguments.Text(Topic);
        if (string.IsNullOrEmpty(topic))
        {
            invocation.Out.Write(HelpText.CommandList(CommandTable.All));
            return default;
        }

        Command command = CommandTable.All.FirstOrDefault(candidate => candidate.Name == topic)
            ?? throw new CommandException($"command or command group '{topic}' doesn't exist");
        invocation.Out.Write(HelpText.Of(command));
        return default;
    }
}
