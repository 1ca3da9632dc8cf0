using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Commands that belong together.</summary>
/// <param name="Keyword">virsh's name of the group, for <c>help</c>.</param>
/// <param name="Title">What its commands do.</param>
/// <param name="Commands">By name.</param>
internal sealed record CommandGroup(string Keyword, string Title, IReadOnlyList<Command> Commands);

internal static class CommandTable
{
    public static IReadOnlyList<CommandGroup> Groups { get; } =
    [
        new("monitor", "What domains do",
        [
            BalanceCommand.Command,
            CpuStatsCommand.Command,
            DoctorCommand.Command,
            DeviceCommands.Disks,
            BlockStatsCommand.Command,
            DomControlCommand.Command,
            DirtyRateCommand.Command,
            DeviceCommands.Interfaces,
            DomInfoCommand.Command,
            JobCommand.Command,
            DomMemStatCommand.Command,
            DomStateCommand.Command,
            DomStatsCommand.Command,
            EventCommand.Command,
            ListCommand.Command,
            MemoryCommand.Command,
            TopCommand.Command,
            WatchCommand.Command,
        ]),
        new("domain", "What domains are, and what changes them",
        [
            LifecycleCommands.Destroy,
            DomIdCommand.Command,
            DomNameCommand.Command,
            LifecycleCommands.WakeUp,
            DomUuidCommand.Command,
            DumpXmlCommand.Command,
            MemoryLimitCommands.Tune,
            LifecycleCommands.Reboot,
            LifecycleCommands.Reset,
            LifecycleCommands.Resume,
            SchedulerCommand.Command,
            MemoryLimitCommands.SetMaximum,
            SetMemCommand.Command,
            LifecycleCommands.Shutdown,
            LifecycleCommands.Suspend,
            VirtualCpuCommands.Count,
            VirtualCpuCommands.Info,
            VirtualCpuCommands.Pin,
        ]),
        new("host", "The host and the hypervisor",
        [
            HostCommands.Capabilities,
            HostStatsCommands.FreeMemory,
            FreePagesCommand.Command,
            HostCommands.HostName,
            HostCommands.MaxVcpus,
            HostCommands.CpuMap,
            HostStatsCommands.CpuTimes,
            HostCommands.Node,
            HostStatsCommands.Memory,
            HostCommands.Sysinfo,
            UriCommand.Command,
            VersionCommand.Command,
        ]),
        new("virsh", "The program itself",
        [
            ShellCommands.ChangeDirectory,
            ShellCommands.Connect,
            EchoCommand.Command,
            ShellCommands.Exit,
            HelpCommand.Command,
            ShellCommands.PrintDirectory,
            ShellCommands.Quit,
        ]),
    ];

    /// <summary>All commands, by name.</summary>
    public static IReadOnlyList<Command> All { get; } =
        [.. Groups.SelectMany(group => group.Commands).OrderBy(command => command.Name, StringComparer.Ordinal)];
}
