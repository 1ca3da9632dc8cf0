using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>All commands, by name.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        LifecycleCommands.Destroy,
        DoctorCommand.Command,
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
        LifecycleCommands.Reset,
        LifecycleCommands.Resume,
        SetMemCommand.Command,
        LifecycleCommands.Shutdown,
        LifecycleCommands.Suspend,
        UriCommand.Command,
        VersionCommand.Command,
    ];
}
