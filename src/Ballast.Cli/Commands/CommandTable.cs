using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>All commands, by name.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        DomIdCommand.Command,
        DomInfoCommand.Command,
        DomMemStatCommand.Command,
        DomNameCommand.Command,
        DomStateCommand.Command,
        DomStatsCommand.Command,
        DomUuidCommand.Command,
        HelpCommand.Command,
        ListCommand.Command,
        MemoryCommand.Command,
        SetMemCommand.Command,
        UriCommand.Command,
        VersionCommand.Command,
    ];
}
