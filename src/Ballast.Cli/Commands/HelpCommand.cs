using Ballast.Cli.Help;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class HelpCommand
{
    public static CommandOption Topic { get; } = new("command", OptionKind.Text, "the command, or group of commands, to explain; default: list all commands")
    {
        IsPositional = true,
        MayBeEmpty = true,
        Values = () => CommandTable.Names.Concat(CommandTable.Groups.Select(group => group.Keyword)),
    };

    public static Command Command { get; } = new("help", "explain commands")
    {
        Description = "`ballast COMMAND --help` shows the same. Groups are domain, monitor, host and virsh, as in virsh.\n",
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
            invocation.Out.Write(HelpText.CommandList(CommandTable.Groups));
            return default;
        }

        if (CommandTable.Groups.FirstOrDefault(candidate => candidate.Keyword == topic) is { } group)
        {
            invocation.Out.Write(HelpText.CommandList([group]));
            return default;
        }

        Command command = CommandTable.Find(topic)
            ?? throw (OutOfScope.ExplainTopic(topic) is { } why ? new CommandException(why) : new CommandException($"command or command group '{topic}' doesn't exist")
            {
                Hint = OtherWords.Explain(topic) ?? (NearestName.Among(Topic.Values(), topic) is { } near ? $"did you mean '{near}'?" : null),
            });
        invocation.Out.Write(HelpText.Of(command));
        return default;
    }
}
